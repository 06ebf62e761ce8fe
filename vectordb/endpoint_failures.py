"""What an embedding server's failures mean, and what to do about them."""

import re
from collections.abc import Mapping, Sequence

from config import server_failures
from vectordb.embedding_models import EmbeddingFailed

_SETTINGS = "the page of embedding models"
_QUOTED = 60  # characters of a text


class EndpointFailed(EmbeddingFailed):
    """`may_retry`: vectors may come after a while, of `retry_after` seconds where the server said
    so. `for_staff` says more than others need to know, such as where the server is. `quoting` says
    the same with the server's own words, which may repeat a text: it is for those alone who sent
    all of the texts, and never for questions, which are sent together with those of others."""

    def __init__(
        self,
        message: str,
        *,
        may_retry: bool = False,
        retry_after: float | None = None,
        for_staff: str = "",
        quoting: str = "",
    ) -> None:
        super().__init__(message)
        self.for_staff = for_staff
        self.quoting = quoting
        self.may_retry = may_retry
        self.retry_after = retry_after


class Refused(EndpointFailed):
    """What was asked is refused, perhaps for one of its texts."""


class TextFailed(Refused):
    """There is no vector for this text; others may get theirs."""


class TextTooLong(TextFailed):
    """It is refused for its length."""


def no_connection(name: str, why: str) -> EndpointFailed:
    return EndpointFailed(
        f"The embedding server of {name} cannot be reached. Check that it runs (staff can test it on "
        f"{_SETTINGS}), then retry.",
        may_retry=True,
        for_staff=why,
    )


def took_too_long(name: str, seconds: float) -> EndpointFailed:
    return EndpointFailed(
        f"The embedding server of {name} did not answer within {seconds:g} seconds. Look whether it is "
        "busy, or needs smaller batches or a smaller window; then retry.",
        may_retry=True,
    )


def not_vectors(name: str, what: str) -> EndpointFailed:
    return EndpointFailed(
        f"The embedding server of {name} sent {what}. Have staff test the model on {_SETTINGS}."
    )


def no_numbers(name: str, texts: Sequence[str], count: int) -> EndpointFailed:
    """For these texts, of so many that were sent, what came back cannot be searched."""
    what = "no numbers, or nothing but zeros"
    if len(texts) == count > 1:
        return not_vectors(name, f"vectors that are {what}")
    server = f"The embedding server of {name} sent a vector that is {what}"
    advice = (
        "This is a fault of the server or of its model, with this text: look into the server's log, "
        "then retry. Other texts need not be concerned."
    )
    return TextFailed(
        f"{server}. {advice}",
        quoting=f"{server}, for the text that begins “{_beginning(texts[0])}”. {advice}",
    )


def _beginning(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _QUOTED else f"{words[:_QUOTED].rstrip()} …"


def of_status(
    status: int, body: bytes, headers: Mapping[str, str], *, name: str, model: str, key: str
) -> EndpointFailed:
    """The failure that an HTTP status and its body stand for."""
    words, code = server_failures.words(body)
    told = f"{code} {words}"
    server = f"The embedding server of {name}"
    quoted = server_failures.quote(words, key)
    if status == 413 or (status in (400, 422, 500) and server_failures.TOO_LONG.search(told)):
        too_long = f"{server} refuses a text as too long (HTTP {status})"
        advice = (
            "Build the database with smaller chunks, or have staff add the model again with a smaller "
            "window."
        )
        return TextTooLong(
            f"{too_long}. {advice}", quoting=f"{too_long}{_because(quoted)}. {advice}"
        )
    if status == 429:
        return _rate_limited(server, told, headers)
    if status in (408, 409) or status >= 500:
        return EndpointFailed(
            f"{server} failed (HTTP {status}). Retry; when it keeps failing, look into the server's "
            "own log.",
            may_retry=True,
            retry_after=server_failures.retry_after(headers),
        )
    if status in (400, 422) and not server_failures.NO_MODEL.search(told):
        refused = f"{server} refused the request (HTTP {status})"
        return Refused(
            f"{refused}. Have staff test it on {_SETTINGS}.",
            quoting=f"{refused}{_because(quoted)}.",
        )
    return EndpointFailed(f"{server} {_other(status, model)}")


def _because(quoted: str) -> str:
    quoted = re.sub(r"[.\s]+$", "", quoted)
    return f": {quoted}" if quoted else ""


def _rate_limited(server: str, told: str, headers: Mapping[str, str]) -> EndpointFailed:
    if server_failures.is_quota(told):
        return EndpointFailed(
            f"{server} says that the account of the API key has used up its quota (HTTP 429). Raise "
            "its limit or top it up, then retry."
        )
    wait = server_failures.retry_after(headers)
    pause = f"asks to wait {wait:,.0f} seconds" if wait else "is asked too often"
    return EndpointFailed(
        f"{server} {pause} (HTTP 429). Retry then.", may_retry=True, retry_after=wait
    )


def _other(status: int, model: str) -> str:
    if status in (401, 403):
        return (
            f"refuses the API key (HTTP {status}). Ask staff to enter a valid one on {_SETTINGS}, "
            "then retry."
        )
    if status == 402:
        return (
            "says that the account of the API key has no credit (HTTP 402). Top it up, then retry."
        )
    if status in (400, 404, 405, 422):
        return (
            f"does not know the model {model}, or has no embeddings at its address (HTTP {status}). "
            "Check both: the address often ends in /v1."
        )
    if 300 <= status < 400:
        return (
            f"points to another address (HTTP {status}), and redirects are not followed. Have staff "
            "enter the final address."
        )
    return f"refused the request (HTTP {status}). Have staff test it on {_SETTINGS}."
