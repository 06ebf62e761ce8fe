"""`/v4/chat` and `/v4/completion`, with the details of a model, of one that is deployed, or of a
config: the calls of version 5 under their old names."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from accounts.models import UseCase, User
from accounts.services import use_case_of
from blueprints import files
from blueprints.models import BlueprintVersion
from config.errors import InvalidInput
from config.threads import in_thread
from playground.calls.log import Caller
from playground.calls.setup import set_up
from playground.calls.streams import answered, streamed
from playground.v4 import call_wire, placing
from playground.v4.call_shapes import SHAPES, Given
from playground.v5.auth import token_of
from playground.v5.calls import endpoint, message_of, options_of, providers_errors
from playground.v5.reading import read_body
from tracing.logs import check_place
from tracing.models import Face

_NOTED = ("source", "end_user", "environment", "source_datapoint_id", "metadata")
# By what each way of calling names the version; the other ways' fields mean nothing to it.
_BY = {"": "config", "-deployed": "", "-model-config": "config_id"}


@endpoint
async def call_model(request: HttpRequest, kind: str, way: str = "") -> HttpResponseBase:
    """`kind` is "chat" or "completion"; `way` what the path has behind it."""
    asked = await in_thread(transaction.atomic(_read), request, kind, way)
    with providers_errors(asked.call):
        if asked.body["stream"]:
            frame = await in_thread(asked.frame)
            return await streamed(asked.call, asked.caller, call_wire.Pieces(asked, frame))
        samples = await answered(asked.call, asked.caller)
    # An item in this form has no place for an error; the log of a sample that failed has it.
    done = [sample for sample in samples if sample.error is None]
    return JsonResponse(await in_thread(asked.whole, done))


def _read(request: HttpRequest, kind: str, way: str) -> call_wire.Shown:
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
    return call_wire.Shown(call, version, caller, body, is_chat=kind == "chat")


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
