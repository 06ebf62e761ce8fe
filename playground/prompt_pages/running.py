"""The editor's runs: the very calls that programs make, streamed to the page that asked for them.

They run in the web process like those, and not as jobs: nothing is stored of them but their logs, a
reader who leaves or stops ends the LLM's work, and there is no row that others could wait for.
"""

import json
from collections.abc import AsyncGenerator
from typing import Any

from django.template.loader import render_to_string

from accounts.models import User
from blueprints.kernel import joined_template
from blueprints.models import Blueprint
from blueprints.providers.base import Completion, Message, TextPiece
from blueprints.settings import AnswerSettings
from blueprints.templates import JINJA, variables
from config.errors import AppError, InvalidInput
from config.threads import in_thread
from playground.calls.calling import Call, Sample
from playground.calls.log import Caller, recorded
from playground.calls.setup import set_up_with
from playground.prompt_pages.saving import version_with
from playground.rendering import render_answer
from playground.spending import spending
from tracing.models import Face

_INSTRUCTING = ("system", "developer")


def prepare(
    blueprint: Blueprint,
    settings: AnswerSettings,
    *,
    user: User,
    message: str,
    inputs: dict[str, str],
    samples: int,
) -> tuple[Call, Caller]:
    """A call with these settings. Where a version says the same, it is a call of that version, else of
    none: a run makes no version. Raises what `set_up_with` raises, and InvalidInput where nothing is
    asked."""
    missing = [name for name in variables_of(settings) if name not in inputs]
    # In jinja's language what has no value is empty.
    if missing and settings.prompt.template_language != JINJA:
        raise InvalidInput(f"Fill in the inputs: {', '.join(missing)}.", field="inputs")
    messages: list[Message] = [{"role": "user", "content": message}] if message else []
    call = set_up_with(
        settings,
        blueprint=blueprint,
        version=version_with(blueprint, settings),
        user=user,
        messages=messages,
        inputs=dict(inputs),
    )
    if not any(one["role"] not in _INSTRUCTING for one in [*call.own, *call.messages]):
        raise InvalidInput(
            "The prompt asks nothing by itself: write a message of the user.", field="message"
        )
    return call, Caller.of(user, Face.PAGES, count=samples)


def variables_of(settings: AnswerSettings) -> list[str]:
    """Those that a run fills."""
    template = joined_template(settings.llm_settings.system_prompt, settings.prompt.template)
    return variables(template, settings.prompt.template_language)


async def lines(call: Call, caller: Caller) -> AsyncGenerator[bytes, None]:
    """JSON, a line each: the samples' `logs`, `text` as it comes, and at the end of a sample its
    `card` as HTML; once more when all are over and recorded, since only then there is a trace to
    look at."""
    yield _line(logs=caller.log_ids)
    samples: list[Sample] = []
    try:
        async with recorded(call, caller) as (samples, pieces):
            async for sample, piece in pieces:
                if isinstance(piece, TextPiece):
                    yield _line(sample=sample.index, text=piece.text)
                elif isinstance(piece, Completion):
                    yield await _card(call, caller, sample, is_recorded=False)
    except AppError as error:
        # Nothing was asked: what all samples share went wrong, and the first one's log says so.
        for index, log_id in enumerate(caller.log_ids):
            card = {"error": error.message, "log_id": log_id if index == 0 else ""}
            yield _line(sample=index, over=True, card=await in_thread(_rendered, {"card": card}))
        return
    for sample in samples:
        yield await _card(call, caller, sample, is_recorded=True)


async def _card(call: Call, caller: Caller, sample: Sample, *, is_recorded: bool) -> bytes:
    html = await in_thread(_shown, call, caller, sample, is_recorded)
    return _line(sample=sample.index, over=is_recorded, card=html)


def _shown(call: Call, caller: Caller, sample: Sample, is_recorded: bool) -> str:
    outcome = sample.outcome
    completion = outcome.completion
    spent = spending(call.llm, outcome, sample.text).total
    return _rendered(
        {
            "card": {
                "html": render_answer(sample.text),
                "text": sample.text,
                "error": sample.error.message if sample.error is not None else "",
                "tool_calls": [_tool_call(one) for one in sample.tool_calls],
                "finish_reason": completion.finish_reason if completion else "",
                "sources": sample.citations,
                "latency_ms": outcome.took_ms,
                "first_token_ms": outcome.first_token_ms,
                "spent": spent,
                "log_id": caller.log_ids[sample.index] if is_recorded else "",
            }
        }
    )


def _rendered(context: dict[str, Any]) -> str:
    return render_to_string("playground/prompts/_sample.html", context)


def _tool_call(call: dict[str, Any]) -> dict[str, str]:
    """Arguments as they are meant to be read, where they are JSON at all."""
    function = call.get("function") or {}
    told = str(function.get("arguments") or "")
    try:
        told = json.dumps(json.loads(told), indent=2, ensure_ascii=False)
    except ValueError:
        pass
    return {"name": str(function.get("name") or ""), "arguments": told}


def _line(**told: Any) -> bytes:
    return json.dumps(told).encode() + b"\n"
