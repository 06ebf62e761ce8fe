"""Asking a server which models it has. Light enough for the web process: no vendor package."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from blueprints.providers.base import ProviderError
from config.server_failures import connection_problem

_LONGEST_LIST = 8 * 1024 * 1024  # bytes
_CONTEXT_FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")
# Models that a chat cannot use, which some servers list among the others.
_NO_CHAT = ("embed", "rerank", "whisper")
# What Ollama gives a model that was not told otherwise; beyond it, it cuts prompts silently.
OLLAMA_CONTEXT = 4096


@dataclass(frozen=True, slots=True)
class ListedModel:
    """`context_size` in tokens, None where the server does not say."""

    name: str
    owner: str = ""
    context_size: int | None = None


async def list_models(base_url: str, key: str, *, seconds: float) -> list[ListedModel]:
    """The chat models behind `base_url`, by name. Raises ProviderError, which says what is wrong."""
    try:
        async with asyncio.timeout(seconds):
            async with _client(base_url, key) as client:
                return _models(await _fetch(client, "GET", "models"))
    except TimeoutError:
        raise ProviderError(
            f"No answer within {seconds:g} seconds. Check host, port, http or https, and that "
            "no firewall is in between."
        ) from None
    except httpx2.HTTPError as error:
        raise ProviderError(connection_problem(base_url, error)) from None


async def ollama_context(base_url: str, model: str, *, seconds: float) -> int | None:
    """The context that Ollama really gives a model: what it was configured with, at most what it
    was trained for. None when there is no Ollama at this address."""
    root = base_url.removesuffix("/v1")
    try:
        async with asyncio.timeout(seconds):
            async with _client(root, "") as client:
                shown = await _fetch(client, "POST", "api/show", {"model": model})
    except (TimeoutError, httpx2.HTTPError, ProviderError):
        return None
    if not isinstance(shown, dict):
        return None
    info = shown.get("model_info")
    trained = [
        value
        for name, value in (info.items() if isinstance(info, dict) else ())
        if name.endswith(".context_length") and isinstance(value, int)
    ]
    configured = OLLAMA_CONTEXT
    for line in str(shown.get("parameters") or "").splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "num_ctx" and value.strip().isdigit():
            configured = int(value)
    return min([configured, *trained])


def _client(base_url: str, key: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=base_url.rstrip("/") + "/",
        headers={"Authorization": f"Bearer {key}"} if key else {},
        # A redirect could lead the key, or us, to an address that nobody entered.
        follow_redirects=False,
        timeout=None,  # the callers' asyncio.timeout covers the whole call
    )


async def _fetch(
    client: httpx2.AsyncClient, method: str, path: str, body: dict[str, Any] | None = None
) -> Any:
    async with client.stream(method, path, json=body) as response:
        if response.status_code != httpx2.codes.OK:
            raise ProviderError(_status_problem(response.status_code))
        content = b""
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > _LONGEST_LIST:
                raise ProviderError("The list of models is too long to be one.")
    try:
        return json.loads(content)
    except ValueError:
        raise ProviderError(_NOT_COMPATIBLE) from None


_NOT_COMPATIBLE = (
    "The server answers, but not as an OpenAI-compatible one. Check the address: it often ends in "
    "/v1."
)


def _models(answer: Any) -> list[ListedModel]:
    rows = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(rows, list):
        raise ProviderError(_NOT_COMPATIBLE)
    models = {}
    for row in rows:
        name = row.get("id") if isinstance(row, dict) else None
        if not isinstance(name, str) or not name or len(name) > 200:
            continue
        if not any(word in name.lower() for word in _NO_CHAT):
            owner = str(row.get("owned_by") or "")[:100]
            models[name] = ListedModel(name, owner, _context_size(row))
    return sorted(models.values(), key=lambda model: model.name)


def _context_size(row: Mapping[str, Any]) -> int | None:
    meta = row.get("meta")
    # llama.cpp tells the context under "meta".
    values = [row.get(field) for field in _CONTEXT_FIELDS]
    values += [meta.get("n_ctx"), meta.get("n_ctx_train")] if isinstance(meta, dict) else []
    return next((value for value in values if isinstance(value, int) and value > 0), None)


def _status_problem(status: int) -> str:
    if status in (401, 403):
        return f"The server refuses the API key (HTTP {status}). Enter a valid one."
    if status in (404, 405):
        return (
            f"The server has no list of models at this address (HTTP {status}). Does the address "
            "lack a /v1 at its end?"
        )
    if 300 <= status < 400:
        return (
            f"The server points to another address (HTTP {status}), and redirects are not "
            "followed. Enter the final address."
        )
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        return "The server's rate limit is reached (HTTP 429). Try again in a minute."
    return f"The server failed (HTTP {status}). Look into its own log."
