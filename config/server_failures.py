"""What servers elsewhere say when they fail, fit to be shown: short, and without secrets."""

import json
import math
import re
import ssl
import time
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz
from typing import Any
from urllib.parse import urlsplit

import httpx2

_LONGEST_QUOTE = 300
# Of what a server says when it fails: bytes that are read of it, and characters that are looked into.
# The patterns below take time that grows with the square of those.
LARGEST_REFUSAL = 64 * 1024
_MOST_WORDS = 2_000
TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum (context|prompt)|(prompt|input) (is|was) too long"
    r"|too many (input )?tokens|exceeds? the (model|available|limit|max)|n_ctx|reduce the length",
    re.I,
)
_QUOTA = re.compile(r"insufficient_quota|quota|billing|credit|balance", re.I)
NO_MODEL = re.compile(
    r"model\b.*(not (found|exist)|does not exist|unknown|no such)|invalid model", re.I
)
_SECRETS = re.compile(
    r"\b\w+://\S+"  # addresses, which can hold credentials
    r"|\b(?:sk|pk|key|token|bearer|basic)[-_ :=]+\S+"
    r"|[\w+/=*.-]*\*{2,}[\w+/=*.-]*"  # keys that the server half masked
    r"|\b(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{20,}",
    re.I,
)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; None when the server did not say, or said nonsense."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    date = parsedate_tz(headers.get("retry-after", ""))
    return max(0.0, mktime_tz(date) - time.time()) if date else None


def is_quota(told: str) -> bool:
    """Whether what was used up does not come back within a day."""
    return bool(_QUOTA.search(told)) and not re.search(r"per (minute|second|day)", told, re.I)


def parsed(body: bytes | Any) -> Any:
    """What a body of JSON says; nothing where it is no JSON."""
    if not isinstance(body, bytes):
        return body
    try:
        return json.loads(body[:LARGEST_REFUSAL])
    except (ValueError, RecursionError):
        return {}


def words(body: bytes | Any) -> tuple[str, str]:
    """The server's message and its error codes, of the many shapes that there are; their beginnings,
    should they be long."""
    body = parsed(body)
    if isinstance(body, list) and body:  # Google's compatible endpoint
        body = body[0]
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return _beginning(str(error or "")), ""
    inner = error.get("innererror")
    codes = [error.get("code"), error.get("type"), error.get("param")]
    codes.append(inner.get("code") if isinstance(inner, dict) else None)
    message = error.get("message") or error.get("detail") or ""
    if not isinstance(message, str):
        message = json.dumps(message)
    return _beginning(message), _beginning(" ".join(str(code) for code in codes if code))


def _beginning(text: str) -> str:
    """Without the word that is cut: half a key would not be known as one."""
    if len(text) <= _MOST_WORDS:
        return text
    text = text[:_MOST_WORDS]
    return text.rpartition(" ")[0] or text


def quote(text: str, key: str) -> str:
    """A server's words, short and without anything that looks like a secret."""
    if key:
        text = text.replace(key, "…")
    text = _SECRETS.sub("…", " ".join(text.split()))
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE].rstrip() + "…"


def connection_problem(base_url: str, error: Exception) -> str:
    """Why there was no answer from this address, and what to check."""
    host = urlsplit(base_url).hostname or base_url
    told = str(error).lower()
    causes = _causes(error)
    if any(isinstance(cause, ssl.SSLError) for cause in causes) or "ssl" in told:
        return (
            f"No secure connection to {host}: its certificate is not accepted, or it speaks plain "
            "http. Check http or https in the address."
        )
    if any(isinstance(cause, OSError) and cause.errno in (-2, -3, -5) for cause in causes):
        return f"The host {host} is not known. Check how it is written."
    if isinstance(error, httpx2.ConnectError):
        return f"Nothing answers at {host}: the connection was refused. Check the port, and that the server runs."
    return f"{host} closed the connection without an answer that makes sense. Check the address."


def _causes(error: BaseException) -> list[BaseException]:
    """The error and everything it came from, exception groups included."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is None or cause in found:
            continue
        found.append(cause)
        waiting += [cause.__cause__, cause.__context__]
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions
    return found
