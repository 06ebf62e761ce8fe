"""One error, in the form that the clients of each face know."""

from typing import Any, TypedDict

GENAI_ROOT = "/api/v2/genai/"
PROMPT_ROOTS = ("/v5/", "/v4/")
OPENAI_ROOT = "/v1/"
# Below these, everything is JSON.
API_ROOTS = ("/api/", OPENAI_ROOT, *PROMPT_ROOTS)

# What clients of the prompt API find in `origin`, unless a provider is to blame.
OURS = "Humanloop"
_TYPES = {
    400: "bad_request_error",
    401: "unauthorized_error",
    403: "forbidden_error",
    404: "not_found_error",
    405: "method_not_allowed_error",
    409: "conflict_error",
    422: "unprocessable_entity_error",
    429: "rate_limit_error",
    503: "service_unavailable_error",
}


class Problem(TypedDict):
    loc: list[str | int]
    msg: str
    type: str


def error_body(path: str, status: int, detail: str | list[Problem]) -> dict[str, Any]:
    """`{"detail": …}` for the GenAI part and the prompt API, `{"message": …, "errors": …}` for the
    platform's."""
    if path.startswith(PROMPT_ROOTS):
        return {"detail": told(status, detail) if isinstance(detail, str) else detail}
    if path.startswith(OPENAI_ROOT):
        return openai_body(status, detail)
    if path.startswith(GENAI_ROOT):
        return {"detail": detail}
    if isinstance(detail, str):
        return {"message": detail}
    errors = {
        ".".join(map(str, problem["loc"][1:])) or "body": problem["msg"] for problem in detail
    }
    return {"message": "The request is not valid.", "errors": errors}


def told(status: int, message: str, origin: str = OURS) -> dict[str, Any]:
    """What the prompt API says of everything but wrong fields."""
    kind = _TYPES.get(status, "internal_server_error")
    return {"type": kind, "message": message, "code": status, "origin": origin}


_OPENAI_TYPES = {
    401: ("authentication_error", "invalid_api_key"),
    403: ("permission_error", "insufficient_permissions"),
    404: ("invalid_request_error", "not_found"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
}


def openai_body(
    status: int, detail: str | list[Problem], *, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """As OpenAI's packages read it: one message, and the parameter that is wrong."""
    other = ("server_error", None) if status >= 500 else ("invalid_request_error", None)
    kind, usual = _OPENAI_TYPES.get(status, other)
    if not isinstance(detail, str):
        first = detail[0]
        param = ".".join(map(str, first["loc"][1:])) or None
        detail = f"{param}: {first['msg']}" if param else first["msg"]
    return {"error": {"message": detail, "type": kind, "param": param, "code": code or usual}}
