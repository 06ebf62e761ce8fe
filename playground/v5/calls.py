"""`/v5/prompts/call`: a version of a prompt is filled, asked, and the call recorded."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from accounts.services import use_case_of
from blueprints.models import BlueprintVersion
from blueprints.providers.base import Completion, Message, Piece, ProviderError
from config.api.error_bodies import told
from config.errors import InvalidInput
from config.threads import in_thread
from playground.calls.calling import Call, Sample
from playground.calls.log import Caller
from playground.calls.setup import set_up
from playground.calls.streams import answered, streamed
from playground.v5 import call_wire
from playground.v5.auth import token_of
from playground.v5.call_shapes import PromptCall
from playground.v5.errors import ProviderFailed, error_response
from playground.v5.reading import read_body, read_query
from playground.v5.selecting import version_for
from playground.v5.shapes import VersionQuery
from tracing.logs import Place, check_place, log_named
from tracing.models import Face

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]

# What the log keeps as it was sent.
_NOTED = (
    "source",
    "end_user",
    "environment",
    "source_datapoint_id",
    "metadata",
    "started_at",
    "ended_at",
    "log_status",
)


@dataclass(frozen=True, slots=True)
class _Asked:
    call: Call
    version: BlueprintVersion
    caller: Caller
    body: dict[str, Any]

    def piece(self, sample: Sample, piece: Piece) -> bytes:
        is_over = isinstance(piece, Completion)
        return self._event(sample, getattr(piece, "text", ""), is_over=is_over)

    def failure(self, sample: Sample) -> bytes:
        return self._event(sample, "", is_over=True)

    def end(self, samples: list[Sample]) -> bytes:
        return b""

    def _event(self, sample: Sample, text: str, *, is_over: bool) -> bytes:
        return call_wire.event(
            self.call, self.version, self.caller, sample, text=text, is_over=is_over
        )


def endpoint(view: View) -> View:
    """An async view for POST alone, whose errors are answered in this API's form."""

    @wraps(view)
    async def handle(request: HttpRequest, **names: str) -> HttpResponseBase:
        if request.method != "POST":
            refusal = JsonResponse({"detail": told(405, "Use POST.")}, status=405)
            refusal["Allow"] = "POST"
            return refusal
        try:
            return await view(request, **names)
        except ProviderFailed as error:
            return error.response()
        except Exception as error:
            return error_response(error)

    return login_not_required(handle)


@contextmanager
def providers_errors(call: Call) -> Iterator[None]:
    """What an LLM's server did wrong is told as its own."""
    try:
        yield
    except ProviderError as error:
        raise ProviderFailed(error, call.settings.prompt.provider) from error


@endpoint
async def call_prompt(request: HttpRequest) -> HttpResponseBase:
    asked = await in_thread(transaction.atomic(_read), request)
    with providers_errors(asked.call):
        if asked.body["stream"]:
            return await streamed(asked.call, asked.caller, asked)
        samples = await answered(asked.call, asked.caller)
    answer = await in_thread(
        call_wire.answer, asked.call, asked.version, asked.caller, samples, asked.body
    )
    return JsonResponse(answer)


def _read(request: HttpRequest) -> _Asked:
    token = token_of(request)
    query = read_query(request.GET, VersionQuery)
    body = read_body(request.body, PromptCall)
    version = version_for(
        user=token.user, use_case=use_case_of(token), kind="prompt", body=body, query=query
    )
    assert isinstance(version, BlueprintVersion)  # noqa: S101 - of this kind
    messages = body.get("messages", [])
    call = set_up(
        version,
        user=token.user,
        messages=[message_of(one) for one in messages],
        inputs=body["inputs"],
        options=options_of(body),
        api_keys=body.pop("provider_api_keys", None),
    )
    if not messages and not call_wire.has_template(call):
        raise InvalidInput("The prompt has no template: send messages.", field="messages")
    caller = Caller.of(
        token.user,
        Face.PROMPTS,
        count=body["num_samples"],
        keeps_payload=body["save"],
        fields={name: body[name] for name in _NOTED if name in body},
        place=_place(version, body),
    )
    return _Asked(call, version, caller, body)


def message_of(sent: dict[str, Any]) -> Message:
    message: Message = {"role": sent["role"], "content": sent.get("content")}
    for name in ("name", "tool_call_id", "tool_calls"):
        if sent.get(name) is not None:
            message[name] = sent[name]
    return message


def options_of(body: dict[str, Any]) -> dict[str, Any]:
    options = {"tool_choice": body["tool_choice"]} if "tool_choice" in body else {}
    if body.get("logprobs"):
        options |= {"logprobs": True, "top_logprobs": body["logprobs"]}
    return options | ({"user": body["end_user"]} if body.get("end_user") else {})


def _place(version: BlueprintVersion, body: dict[str, Any]) -> Place:
    """Checked before the LLM is asked."""
    use_case = version.blueprint.use_case
    parent = None
    if "trace_parent_id" in body:
        parent = log_named(use_case, body["trace_parent_id"])
    place = Place(chosen_id=body.get("log_id"), parent=parent)
    check_place(use_case, place)
    return place
