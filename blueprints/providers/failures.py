"""What went wrong at an LLM server, in sentences that say what to do.

A server's own words are shown only where nothing else helps (a refused request), and then with
everything taken out that could be a secret.
"""

import re
from collections.abc import Mapping
from typing import Any

from blueprints.providers.base import ProviderError
from blueprints.providers.content_filter import findings_in_refusal
from config import server_failures

LONGEST_RETRY_AFTER = 20.0  # seconds

_FILTERED = re.compile(r"content.?(filter|management|policy)|ResponsibleAI|safety system", re.I)


class CallFailed(ProviderError):
    """A ProviderError that knows whether the same call may be tried again at once, and after how
    many seconds the server allows it."""

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = True,
        may_retry: bool = False,
        retry_after: float | None = None,
        refused: str = "",
        guards: tuple[dict[str, Any], ...] = (),
    ) -> None:
        super().__init__(message, permanent=permanent, guards=guards)
        self.may_retry = may_retry
        self.retry_after = retry_after
        self.refused = refused  # the server's words; never shown


def _again(message: str, *, retry_after: float | None = None) -> CallFailed:
    return CallFailed(message, permanent=False, may_retry=True, retry_after=retry_after)


BROKE_OFF = "The answer broke off: the LLM server closed the connection. Retry the prompt."


def broke_off() -> CallFailed:
    return _again(BROKE_OFF)


def no_connection(endpoint: str) -> CallFailed:
    return _again(
        f"The LLM server of {endpoint} cannot be reached. Check that it runs and that its address "
        "is right (staff can test it in the LLM settings), then retry."
    )


def connection_timed_out(endpoint: str, seconds: float) -> CallFailed:
    return _again(
        f"The LLM server of {endpoint} did not accept a connection within {seconds:g} seconds. "
        "Check that it runs and that no firewall is in between, then retry."
    )


def no_first_token(seconds: float) -> CallFailed:
    return CallFailed(
        f"The LLM did not begin to answer within {seconds:g} seconds. Retry; if it is known to be "
        "that slow, raise GROUNDWORK_LLM_FIRST_TOKEN_SECONDS.",
        permanent=False,
    )


def stalled(seconds: float) -> CallFailed:
    return CallFailed(
        f"The answer broke off: the LLM sent nothing more for {seconds:g} seconds. "
        "Retry the prompt.",
        permanent=False,
    )


def took_too_long(seconds: float) -> CallFailed:
    return CallFailed(
        f"The LLM was not done within {seconds:g} seconds. Ask for a shorter answer, or raise "
        "GROUNDWORK_LLM_TOTAL_SECONDS.",
        permanent=False,
    )


def not_an_answer(endpoint: str) -> CallFailed:
    return CallFailed(
        f"The server of {endpoint} sent something that is not an OpenAI-compatible answer. Check "
        "its address (it often ends in /v1): staff can test it in the LLM settings."
    )


def of_status(
    status: int, body: bytes | Any, headers: Mapping[str, str], *, model: str = "", key: str = ""
) -> CallFailed:
    """The failure that an HTTP status and its body stand for."""
    failure = _of_status(status, body, headers, model=model, key=key)
    failure.status = status
    return failure


def _of_status(
    status: int, body: bytes | Any, headers: Mapping[str, str], *, model: str, key: str
) -> CallFailed:
    words, code = server_failures.words(body)
    told = f"{code} {words}"
    if status == 413 or (status in (400, 422, 500) and server_failures.TOO_LONG.search(told)):
        return CallFailed(
            "The prompt is longer than the LLM's context. Retrieve fewer chunks, set a lower token "
            "cap, start a new chat, or choose an LLM with a larger context."
        )
    if status in (400, 403) and _FILTERED.search(told):
        return CallFailed(
            "The LLM's content filter refused this prompt. Word it differently, or look at the "
            "retrieved passages: they are filtered as well.",
            guards=findings_in_refusal(server_failures.parsed(body)),
        )
    if status in (400, 404) and server_failures.NO_MODEL.search(told):
        status = 404
    if status == 429:
        return _rate_limited(told, headers)
    if status in (408, 409) or status >= 500:
        return _again(
            f"The LLM server failed (HTTP {status}). Retry; when it keeps failing, look into the "
            "server's own log or its status page.",
            retry_after=server_failures.retry_after(headers),
        )
    if status in (400, 422):
        quote = server_failures.quote(words, key)
        return CallFailed(
            f"The LLM server refused the request (HTTP {status})"
            + (f": {quote}" if quote else ". Check the LLM settings of the blueprint."),
            refused=told,
        )
    return CallFailed(_other_status(status, model))


def of_event(error: Any, *, model: str = "", key: str = "") -> CallFailed:
    """The failure that a server reported within its stream."""
    code = error.get("code") if isinstance(error, dict) else None
    kind = str(error.get("type", "")) if isinstance(error, dict) else ""
    if isinstance(code, int) and 400 <= code < 600:
        status = code
    elif str(code).isdigit() and 400 <= int(str(code)) < 600:
        status = int(str(code))
    elif "rate_limit" in f"{code} {kind}" or "insufficient_quota" in f"{code} {kind}":
        status = 429
    elif "server" in kind or "overloaded" in kind:
        status = 500
    else:
        status = 400
    return of_status(status, {"error": error}, {}, model=model, key=key)


def _other_status(status: int, model: str) -> str:
    if status in (401, 403):
        return (
            f"The LLM server refused the API key (HTTP {status}). Ask staff to enter a valid key "
            "in the LLM settings, or for the environment's endpoint to set OPENAI_API_KEY."
        )
    if status == 402:
        return "The account of the API key has no credit left (HTTP 402). Top it up, then retry."
    if status in (404, 405):
        return (
            f"The LLM server does not know {f'the model {model}' if model else 'this address'} "
            f"(HTTP {status}). Choose another LLM, or have staff check the endpoint's address: it "
            "often ends in /v1."
        )
    if 300 <= status < 400:
        return (
            f"The LLM server points to another address (HTTP {status}), and redirects are not "
            "followed. Have staff enter the final address."
        )
    return f"The LLM server refused the request (HTTP {status}). Have staff test the endpoint."


def _rate_limited(told: str, headers: Mapping[str, str]) -> CallFailed:
    if server_failures.is_quota(told):
        return CallFailed(
            "The account of the API key has used up its quota (HTTP 429). Raise its limit or top "
            "it up, or choose another LLM."
        )
    wait = server_failures.retry_after(headers)
    if wait is not None and wait > LONGEST_RETRY_AFTER:
        return CallFailed(
            f"The LLM server's rate limit is reached (HTTP 429): it asks to wait {wait:,.0f} "
            "seconds. Retry then, or choose another LLM.",
            permanent=False,
        )
    return _again(
        "The LLM server's rate limit is reached (HTTP 429). Wait a minute and retry, or choose "
        "another LLM.",
        retry_after=wait,
    )
