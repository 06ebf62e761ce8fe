"""`/v4/chat` and `/v4/completion`, with the details of a model, of one that is deployed, or of a
config: the calls of version 5 under their old names."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse

from accounts.models import UseCase, User
from accounts.services import use_case_of
from blueprints import files
from blueprints.models import BlueprintVersion
from blueprints.providers.base import Completion, ProviderError
from config.api.error_bodies import told
from config.errors import InvalidInput
from config.threads import in_thread
from playground.call_log import Caller, recorded
from playground.call_setup import set_up
from playground.calling import Call
from playground.v4 import call_wire, placing
from playground.v4.call_shapes import SHAPES, Given
from playground.v5.auth import token_of
from playground.v5.calls import STREAM_HEADERS, chained, message_of, options_of
from playground.v5.errors import ProviderFailed, error_response
from playground.v5.reading import read_body
from tracing.logs import check_place
from tracing.models import Face

_NOTED = ("source", "end_user", "environment", "source_datapoint_id", "metadata")
# By what each way of calling names the version; the other ways' fields mean nothing to it.
_BY = {"": "config", "-deployed": "", "-model-config": "config_id"}


@dataclass(frozen=True, slots=True)
class _Asked:
    call: Call
    version: BlueprintVersion
    caller: Caller
    body: Given
    is_chat: bool


@login_not_required
async def call_model(request: HttpRequest, kind: str, way: str = "") -> HttpResponseBase:
    """`kind` is "chat" or "completion"; `way` what the path has behind it."""
    if request.method != "POST":
        refusal = JsonResponse({"detail": told(405, "Use POST.")}, status=405)
        refusal["Allow"] = "POST"
        return refusal
    try:
        return await _answer(await in_thread(transaction.atomic(_read), request, kind, way))
    except ProviderFailed as error:
        return error.response()
    except Exception as error:
        return error_response(error)


async def _answer(asked: _Asked) -> HttpResponseBase:
    try:
        if not asked.body["stream"]:
            return await _whole(asked)
        events = _events(asked)
        first = await anext(events)
    except ProviderError as error:
        raise ProviderFailed(error, asked.call.settings.prompt.provider) from error
    return StreamingHttpResponse(
        chained(first, events), content_type="text/event-stream", headers=STREAM_HEADERS
    )


def _read(request: HttpRequest, kind: str, way: str) -> _Asked:
    token = token_of(request)
    use_case = use_case_of(token)
    body = read_body(request.body, SHAPES[kind])
    version = _version(token.user, use_case, body, _BY[way])
    place = placing.place_for(version.blueprint.use_case, user=token.user, given=body)
    check_place(version.blueprint.use_case, place)
    call = set_up(
        version,
        user=token.user,
        messages=[message_of(one) for one in body.get("messages", [])],
        inputs=body["inputs"],
        options=_options(body),
        api_keys=body.pop("provider_api_keys", None),
    )
    caller = Caller.of(
        token.user,
        Face.SESSIONS,
        count=body["num_samples"],
        keeps_payload=body["save"],
        fields={name: body[name] for name in _NOTED if name in body},
        place=place,
    )
    return _Asked(call, version, caller, body, kind == "chat")


def _version(user: User, use_case: UseCase, body: Given, by: str) -> BlueprintVersion:
    if by and by not in body:
        raise InvalidInput("Field required", field=f"model_{by}")
    given = {name: body[name] for name in ("project", "project_id", by) if name in body}
    if by:
        version = placing.version_for(user, use_case, given)
    else:
        version = _deployed(user, use_case, given, body.get("environment"))
    if not isinstance(version, BlueprintVersion):
        raise InvalidInput("The project is none of a model.", field="project")
    return version


def _deployed(user: User, use_case: UseCase, given: Given, environment: str | None) -> Any:
    if "project_id" in given:
        project = placing.project_with(user, given["project_id"])
        return files.version_in(project, environment=environment)
    if "project" not in given:
        raise InvalidInput("Name the project, or give its project_id.", field="project")
    return files.select_version(
        user=user,
        use_case=use_case,
        kind="prompt",
        path=given["project"],
        environment=environment,
    )


def _options(body: Given) -> dict[str, Any]:
    options = options_of(body)
    if "tool_call" in body and "tool_choice" not in body:
        options["tool_choice"] = body["tool_call"]
    return options | {name: body[name] for name in ("seed", "response_format") if name in body}


async def _whole(asked: _Asked) -> JsonResponse:
    async with recorded(asked.call, asked.caller) as (samples, pieces):
        async for _ in pieces:
            pass
    failed = [one.error for one in samples if one.error is not None]
    if len(failed) == len(samples):
        raise failed[0]
    # An item in this form has no place for an error; the log of a sample that failed has it.
    done = [one for one in samples if one.error is None]
    shown = call_wire.Shown(asked.call, asked.version, asked.caller, asked.body, asked.is_chat)
    return JsonResponse(await in_thread(shown.whole, done))


async def _events(asked: _Asked) -> AsyncGenerator[bytes, None]:
    """Raises, before the first event, what kept all samples from beginning."""
    shown = call_wire.Shown(asked.call, asked.version, asked.caller, asked.body, asked.is_chat)
    begin = await in_thread(shown.frame)
    is_begun = False
    async with recorded(asked.call, asked.caller) as (samples, pieces):
        async for sample, piece in pieces:
            is_begun = True
            is_over = isinstance(piece, Completion)
            yield shown.event(begin, sample, getattr(piece, "text", ""), is_over=is_over)
        failed = [one for one in samples if one.error is not None]
        if failed and not is_begun:
            assert failed[0].error is not None  # noqa: S101 - selected for it
            raise failed[0].error
    for sample in failed:
        assert sample.error is not None  # noqa: S101 - likewise
        detail = told(503, sample.error.message, asked.call.settings.prompt.provider or "openai")
        yield b"data: " + json.dumps({"error": detail}).encode() + b"\n\n"
