"""What drf-spectacular needs to be told to describe the API completely."""

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers

from config.api.error_bodies import GENAI_ROOT

Shape = type[serializers.Serializer[Any]]
Json = dict[str, Any]


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "config.api.auth.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> Json:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": 'An API token: the page "API tokens" makes one, and so does manage.py token. "Token" instead of "Bearer" works too.',
        }


def operation(
    summary: str,
    *,
    answers: Shape | None = None,
    status: int = 200,
    takes: Any = None,
    query: Shape | None = None,
    many: bool = False,
    description: str = "",
    name: str | None = None,
) -> Callable[[Any], Any]:
    """Describe one method of a view. Errors are added to all of them by `complete`."""
    from config.api.paging import listing

    shape = listing(answers) if many and answers else answers
    response = OpenApiResponse(shape, description=_DESCRIPTIONS[status])
    parameters: Sequence[Any] = [query] if query else []

    def describe(method: Any) -> Any:
        return extend_schema(
            summary=summary,
            description=description,
            request=takes,
            responses={status: response},
            parameters=parameters,
            operation_id=name or _operation_id(method.__qualname__, many=many),
        )(method)

    return describe


_VERBS = {"get": "get", "post": "create", "patch": "update", "delete": "delete"}


def _operation_id(qualified_name: str, *, many: bool) -> str:
    """`ChatPrompts.get` → `listChatPrompts`, `ChatPrompts.post` → `createChatPrompt`."""
    view, method = qualified_name.split(".")
    if many:
        return f"list{view}"
    return _VERBS[method] + view.removeprefix("One").removesuffix("s")


_DESCRIPTIONS = {200: "Done.", 201: "Made.", 202: "Accepted; Location tells when.", 204: "Gone."}

_PROBLEM: Json = {
    "type": "object",
    "required": ["loc", "msg", "type"],
    "properties": {
        "loc": {
            "type": "array",
            "items": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            "description": "Where: body, query or path, then names and indexes.",
        },
        "msg": {"type": "string", "description": "What is wrong."},
        "type": {"type": "string", "description": "Its kind, named as pydantic 2 does."},
    },
}
_SCHEMAS: Json = {
    "Problem": _PROBLEM,
    "Error": {
        "type": "object",
        "required": ["detail"],
        "properties": {"detail": {"type": "string"}},
    },
    "Invalid": {
        "type": "object",
        "required": ["detail"],
        "properties": {
            "detail": {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}}
        },
    },
    "PlatformError": {
        "type": "object",
        "required": ["message"],
        "properties": {"message": {"type": "string"}},
    },
    "PlatformInvalid": {
        "type": "object",
        "required": ["message", "errors"],
        "properties": {
            "message": {"type": "string"},
            "errors": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
    "Status": {
        "type": "object",
        "required": [
            "statusId",
            "status",
            "created",
            "message",
            "code",
            "description",
            "statusType",
        ],
        "properties": {
            "statusId": {"type": "string"},
            "status": {
                "type": "string",
                "enum": ["INITIALIZED", "RUNNING", "COMPLETED", "ERROR", "ABORTED"],
            },
            "created": {"type": "string", "format": "date-time"},
            "message": {"type": "string"},
            "code": {"type": "integer", "enum": [0, 1], "description": "1 is an error."},
            "description": {"type": "string"},
            "statusType": {"type": "string"},
        },
    },
}
_STATUS_PATHS = {
    "/api/v2/status/{job_id}/": "getPlatformStatus",
    "/api/v2/genai/status/{job_id}/": "getGenaiStatus",
}


def complete(result: Json, generator: Any, request: Any, public: bool) -> Json:
    """Add what all operations have in common: their errors. And the status, an async view."""
    for path, operation_id in _STATUS_PATHS.items():
        result["paths"][path] = {"get": _status_operation(operation_id)}
    for path, item in result["paths"].items():
        for method, described in item.items():
            _add_errors(path, method, described)
            _add_location(described)
    result["components"]["schemas"].update(_SCHEMAS)
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _status_operation(operation_id: str) -> Json:
    return {
        "operationId": operation_id,
        "summary": "How far a job is",
        "description": "Held open until the job ends, at most 15 seconds.",
        "tags": ["status"],
        "parameters": [
            {"in": "path", "name": "job_id", "required": True, "schema": {"type": "string"}}
        ],
        "security": [{"token": []}],
        "responses": {
            "200": _content(
                "Status", "Not done yet, done without a result of its own, failed, or gone."
            ),
            "303": {"description": "Done.", "headers": {"Location": _LOCATION}},
        },
    }


_LOCATION: Json = {"description": "An absolute URL.", "schema": {"type": "string", "format": "uri"}}


def _add_location(described: Json) -> None:
    if "202" in described["responses"]:
        described["responses"]["202"]["headers"] = {"Location": _LOCATION}


def _add_errors(path: str, method: str, described: Json) -> None:
    genai = path.startswith(GENAI_ROOT)
    error, invalid = ("Error", "Invalid") if genai else ("PlatformError", "PlatformInvalid")
    responses = described["responses"]
    reads = "requestBody" in described
    responses["401"] = _content(error, "No token, or not a valid one.")
    if method != "get":
        responses["403"] = _content(error, "You may look at it but not change it.")
    if "{" in path or reads:
        responses["404"] = _content(error, "There is no such thing, or it is not yours to see.")
    if reads or "409" in responses:
        responses["409"] = _content(error, "Not in its present state.")
    if reads or any(place["in"] == "query" for place in described.get("parameters", [])):
        responses["422"] = _content(invalid, "Something in the request is wrong.")
    described["responses"] = dict(sorted(responses.items()))


def _content(schema: str, description: str) -> Json:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }
