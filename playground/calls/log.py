"""A call by a program as logs: one for each sample, with a child for each step."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from blueprints.costs import prices
from blueprints.models import BlueprintVersion
from blueprints.providers.base import Piece
from config.collisions import is_collision
from config.errors import AppError, Crashed, NotFound
from config.ids import new_id
from config.storable import storable, storable_json
from config.threads import in_thread
from playground.answer_log import generate_step, retrieve_step, rewrite_steps
from playground.answering import UNEXPECTED
from playground.calls.calling import (
    Call,
    Sample,
    note_failure,
    only,
    pieces_of,
    prepare,
    samples_of,
)
from playground.outcome import Outcome
from playground.spending import Spending, spending
from tracing import services as tracing
from tracing import sessions
from tracing.logs import Place
from tracing.models import ASKING_FACES, Face, Log, LogKind
from tracing.services import Step

logger = logging.getLogger(__name__)

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, by which way, and what they want to be noted: `fields` of the logs, by their names.

    `log_ids` are the samples' own, in their order, so that a stream may tell them before there is a
    log; `place` is where they hang, and what the first of them is called by. Without
    `keeps_payload`, what was sent and what came back is written nowhere.
    """

    user: User
    face: Face
    log_ids: tuple[str, ...]
    keeps_payload: bool = True
    fields: dict[str, Any] = field(default_factory=dict)
    place: Place = field(default_factory=Place)

    def public_id(self, sample: Sample) -> str:
        chosen = self.place.chosen_id if sample.index == 0 else None
        prefix = "data" if self.face == Face.SESSIONS else "log"
        return chosen or f"{prefix}_{self.log_ids[sample.index]}"

    @classmethod
    def of(cls, user: User, face: Face, *, count: int = 1, **options: Any) -> "Caller":
        return cls(user, face, tuple(new_id() for _ in range(count)), **options)


@asynccontextmanager
async def recorded(
    call: Call, caller: Caller
) -> AsyncIterator[tuple[list[Sample], AsyncGenerator[tuple[Sample, Piece], None]]]:
    """The samples of a call, and their pieces as they come. Whatever happens to it, also that the
    caller leaves, the call is in the logs when the context ends. Raises AppError before it begins.
    """
    outcome = Outcome()
    samples = [Sample(0, outcome)]
    try:
        try:
            call, instead = await prepare(call, outcome)
        except AppError as error:
            note_failure(samples[0], error)
            raise
        except Exception:
            note_failure(samples[0], Crashed(UNEXPECTED))
            raise
        samples = samples_of(outcome, len(caller.log_ids))
        running = pieces_of(call, samples) if instead is None else only(instead, samples)
        async with aclosing(running) as pieces:
            yield samples, pieces
    finally:
        for sample in samples:
            sample.outcome.stopped = sample.outcome.ended is None
        # Who leaves cancels all of this, but not what is noted of it.
        await asyncio.shield(in_thread(record, call, samples, caller))


def record(call: Call, samples: list[Sample], caller: Caller) -> None:
    """Write what became of the call, as far as it came. Raises nothing: the answer was given, and is
    paid for, whatever becomes of its record."""
    for place in (*[caller.place] * _ATTEMPTS, Place()):
        try:
            return _record_all(call, samples, replace(caller, place=place))
        except DatabaseError as error:
            # Another call had locked the same trace the other way round.
            if not is_collision(error) and not isinstance(error, IntegrityError):
                logger.exception("A call could not be recorded")
                return None
        except NotFound:
            logger.info("The trace of a call was deleted meanwhile")
        except Exception:
            logger.exception("A call could not be recorded")
            return None
    logger.error("A call could not be recorded: what it was of is gone, or it always collided")
    return None


@transaction.atomic
def _record_all(call: Call, samples: list[Sample], caller: Caller) -> None:
    for sample in samples:
        _record(call, sample, caller)
    # Last, as by those who write logs of their own: both lock the trace first.
    if call.version is not None:
        BlueprintVersion.objects.filter(pk=call.version.pk).update(last_used_at=timezone.now())


def _record(call: Call, sample: Sample, caller: Caller) -> Log:
    outcome, ended = sample.outcome, timezone.now()
    text = storable(sample.text)
    spent = spending(call.llm, outcome, text)
    settings = call.settings
    place = caller.place
    steps = [
        *rewrite_steps(outcome, spent, ended),
        retrieve_step(
            outcome,
            ended,
            question=call.question,
            settings=settings.retrieval_settings.to_json(),
            has_database=call.vector_database is not None,
        ),
        generate_step(outcome, text, spent.answer, ended),
    ]
    return tracing.record(
        use_case_id=call.blueprint.use_case_id,
        user_id=caller.user.pk,
        blueprint_id=call.blueprint.pk,
        blueprint_version_id=call.version.pk if call.version else None,
        root=_root(call, sample, text, spent, ended, is_asking=caller.face in ASKING_FACES),
        children=[step for step in steps if step is not None],
        fields={
            "id": caller.log_ids[sample.index],
            "face": caller.face,
            "sample_index": sample.index,
            "chosen_id": place.chosen_id if sample.index == 0 else None,
            "session": sessions.session_of(place.parent, place.session),
            **_figures(call, sample, spent),
            **caller.fields,
        },
        parent=place.parent,
        payload=storable_json(_payload(call, sample, text)),
        keeps_payload=caller.keeps_payload,
    )


def _root(
    call: Call, sample: Sample, text: str, spent: Spending, ended: Any, *, is_asking: bool
) -> Step:
    """What those who ask a question have in `inputs`, others have in `output`: their inputs are the
    template's."""
    outcome, total = sample.outcome, spent.total
    completion = outcome.completion
    database = call.vector_database
    asked = {
        "question": call.question,
        "llm_id": call.llm.pk,
        "llm_settings": call.settings.llm_settings.to_json(),
        "vector_database_id": database.pk if database else None,
        "retrieval_settings": call.settings.retrieval_settings.to_json(),
        "metadata_filter": call.metadata_filter,
    }
    if call.version is None:
        # No version tells of it.
        asked["prompt_details"] = call.settings.prompt.to_json()
    return Step(
        kind=LogKind.ANSWER,
        status=outcome.status,
        started_at=outcome.started_at,
        ended_at=ended,
        latency_ms=outcome.took_ms,
        first_token_ms=outcome.first_token_ms,
        model_name=completion.model_name if completion else call.llm.model_name,
        input_tokens=total.input_tokens,
        output_tokens=total.output_tokens,
        cost=total.cost,
        error_message=outcome.error_message,
        inputs=asked if is_asking else call.inputs or {},
        output={
            "finish_reason": completion.finish_reason if completion else "",
            **({} if is_asking else {"asked": asked}),
        },
        text=text if completion or text else None,
    )


def _figures(call: Call, sample: Sample, spent: Spending) -> dict[str, Any]:
    completion = sample.outcome.completion
    answer = spent.answer
    both = None
    if answer is not None:
        name = completion.model_name if completion else ""
        both = prices(call.llm, name, answer.input_tokens, answer.output_tokens)
    return {
        "finish_reason": completion.finish_reason if completion else "",
        "reasoning_tokens": completion.reasoning_tokens if completion else None,
        "tokens_estimated": spent.total.is_estimated,
        "input_cost": both[0] if both else None,
        "output_cost": both[1] if both else None,
    }


def _payload(call: Call, sample: Sample, text: str) -> dict[str, Any]:
    completion = sample.outcome.completion
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if sample.tool_calls:
        message["tool_calls"] = sample.tool_calls
    return {
        "messages": list(call.messages),
        "tool_choice": call.options.get("tool_choice"),
        "output_message": message if completion or text else None,
        "provider_request": completion.request or None if completion else None,
        "provider_response": completion.response or None if completion else None,
    }
