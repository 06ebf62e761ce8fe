"""OpenAI and every server with a compatible endpoint.

Asked by aiohttp itself: with the `openai` package a call takes four times as much of the processor, a
process 24 MB more, and retries and errors are its own, where ours are told in our words.
"""

import asyncio
import json
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import aiohttp
import httpx2
from django.conf import settings

from blueprints.keys import key_of
from blueprints.models import LLM, LLMEndpoint
from blueprints.providers import failures
from blueprints.providers.base import LLMRequest, Piece
from blueprints.providers.dialect import Dialect
from blueprints.providers.failures import CallFailed
from blueprints.providers.pace import Pace
from blueprints.providers.pools import IDLE_SECONDS, Pools
from blueprints.providers.responses import LONGEST_WHOLE_ANSWER, read_to_the_end, read_up_to
from blueprints.providers.sse import ChatStreamParser, NotAnAnswer
from blueprints.providers.watch import Watch
from config.server_failures import LARGEST_REFUSAL

RETRIES = 2
FIRST_BACKOFF = 0.5  # seconds; doubles


_pools: Pools[aiohttp.ClientSession] = Pools()
# By address and model; only what a server has proved by answering.
_dialects: dict[tuple[str, str], Dialect] = {}


def client_for(llm: LLM) -> "OpenAIClient":
    endpoint = llm.endpoint
    assert endpoint is not None  # noqa: S101 - a constraint of the table
    return OpenAIClient(endpoint)


@dataclass(slots=True)
class _Call:
    """One question on its way, over all its attempts."""

    request: LLMRequest
    key: str
    watch: Watch
    dialect: Dialect
    adapted: int = 0
    has_text: bool = False
    parser: ChatStreamParser = field(default_factory=ChatStreamParser)
    pace: Pace = field(default_factory=Pace)


class OpenAIClient:
    """Streams chat completions from one endpoint."""

    def __init__(self, endpoint: LLMEndpoint) -> None:
        self._endpoint = endpoint
        self._is_openai = urlsplit(endpoint.base_url).hostname == "api.openai.com"

    async def stream(self, request: LLMRequest) -> AsyncGenerator[Piece, None]:
        """See `base.Client`. Calls are tried again only while no text was seen."""
        call = _Call(
            request=request,
            key=request.api_key or key_of(self._endpoint),
            watch=Watch(settings.LLM_TOTAL_SECONDS),
            dialect=self._dialect(request.model_name),
        )
        try:
            with call.pace:
                async with aclosing(self._attempts(call)) as pieces:
                    async for piece in pieces:
                        yield piece
        finally:
            call.watch.close()

    async def _attempts(self, call: _Call) -> AsyncGenerator[Piece, None]:
        retries = 0
        while True:
            try:
                async with aclosing(self._attempt(call)) as pieces:
                    async for piece in pieces:
                        yield piece
                self._learn(call)
                return
            except CallFailed as failure:
                if call.has_text:
                    raise
                if self._adapt(call, failure):
                    continue
                wait = _backoff(failure, retries)
                is_bearable = wait <= min(failures.LONGEST_RETRY_AFTER, call.watch.left)
                if not failure.may_retry or retries == RETRIES or not is_bearable:
                    raise
            retries += 1
            await asyncio.sleep(wait)

    async def _attempt(self, call: _Call) -> AsyncGenerator[Piece, None]:
        call.parser = parser = ChatStreamParser()
        call.watch.limit(settings.LLM_FIRST_TOKEN_SECONDS)
        try:
            async with (
                self._response(call) as response,
                aclosing(self._pieces(call, response)) as pieces,
            ):
                async for piece in pieces:
                    call.has_text = True
                    yield piece
        except NotAnAnswer:
            raise failures.not_an_answer(self._endpoint.name) from None
        except TimeoutError:
            raise self._timed_out(call) from None
        except aiohttp.ClientError:
            raise failures.broke_off() from None
        if parser.error is not None:
            raise failures.of_event(parser.error, model=call.request.model_name, key=call.key)
        if not parser.is_done and not parser.finish_reason:
            raise (
                failures.broke_off()
                if parser.chunks
                else failures.not_an_answer(self._endpoint.name)
            )
        yield parser.completion(self._body(call))

    @asynccontextmanager
    async def _response(self, call: _Call) -> AsyncIterator[aiohttp.ClientResponse]:
        """The open response to the call. Raises CallFailed."""
        async with self._session(call) as session:
            # To close it is to hang up, unless it was read to its end.
            with closing(await self._post(call, session)) as response:
                if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                    raise await self._refused(call, response)
                yield response

    @asynccontextmanager
    async def _session(self, call: _Call) -> AsyncIterator[aiohttp.ClientSession]:
        if call.request.api_key:
            # A caller's own key is for their call alone, and so is the connection.
            async with _connect() as session:
                yield session
            return
        mark = f"{self._endpoint.base_url} {call.key}"
        async with _pools.lend(self._endpoint.pk, mark, _connect) as session:
            yield session

    async def _post(self, call: _Call, session: aiohttp.ClientSession) -> aiohttp.ClientResponse:
        address = f"{self._endpoint.base_url.rstrip('/')}/chat/completions"
        body = json.dumps(self._body(call), ensure_ascii=False, allow_nan=False).encode()
        try:
            with call.watch:
                return await session.post(
                    address, data=body, headers=_headers(call.key), allow_redirects=False
                )
        except aiohttp.ConnectionTimeoutError:
            name, seconds = self._endpoint.name, settings.LLM_CONNECT_SECONDS
            raise failures.connection_timed_out(name, seconds) from None
        except (aiohttp.ClientError, ValueError):  # such as a key that no header can carry
            raise failures.no_connection(self._endpoint.name) from None

    async def _pieces(
        self, call: _Call, response: aiohttp.ClientResponse
    ) -> AsyncGenerator[Piece, None]:
        """The answer as it comes; what is no part of it is kept by the call's parser."""
        parser, watch, content = call.parser, call.watch, response.content
        if "json" in response.headers.get("content-type", ""):
            with watch:
                text = parser.feed_whole(await read_up_to(LONGEST_WHOLE_ANSWER, content))
            for piece in parser.pieces(text):
                yield piece
            return
        tokens = 0
        while not parser.is_done and parser.error is None:
            call.pace.before_read()
            with watch:
                chunk = await content.readany()
            text = parser.feed(chunk) if chunk else parser.finish()
            for piece in parser.pieces(text):
                yield piece
            if not chunk:
                return
            if parser.tokens != tokens:
                tokens = parser.tokens
                connection = response.connection
                await call.pace.rest(connection and connection.transport)
                watch.limit(settings.LLM_BETWEEN_TOKENS_SECONDS)
        if parser.is_done:
            await read_to_the_end(content, watch)

    def _body(self, call: _Call) -> dict[str, Any]:
        request = call.request
        body: dict[str, Any] = {
            "model": request.model_name,
            "messages": list(request.messages),
            "stream": True,
        }
        if call.dialect.stream_options:
            body["stream_options"] = {"include_usage": True}
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.top_p is not None:
            body["top_p"] = request.top_p
        if request.max_completion_length is not None:
            body[call.dialect.longest_answer] = request.max_completion_length
        return body | dict(request.options)

    def _dialect(self, model_name: str) -> Dialect:
        known = _dialects.get((self._endpoint.base_url, model_name))
        # OpenAI's newer models want the new word; most other servers know only the old one.
        word = "max_completion_tokens" if self._is_openai else "max_tokens"
        return known or Dialect(longest_answer=word)

    def _adapt(self, call: _Call, failure: CallFailed) -> bool:
        """Whether to ask again in another dialect, since the server refused an option."""
        dialect = call.dialect.adapt(failure.refused) if call.adapted < RETRIES else None
        if dialect is None:
            return False
        call.adapted += 1
        call.dialect = dialect
        return True

    def _learn(self, call: _Call) -> None:
        if call.adapted:
            _dialects[self._endpoint.base_url, call.request.model_name] = call.dialect

    async def _refused(self, call: _Call, response: aiohttp.ClientResponse) -> CallFailed:
        with call.watch:
            body = await read_up_to(LARGEST_REFUSAL, response.content)
        return failures.of_status(
            response.status, body, response.headers, model=call.request.model_name, key=call.key
        )

    def _timed_out(self, call: _Call) -> CallFailed:
        if call.watch.is_over:
            return failures.took_too_long(settings.LLM_TOTAL_SECONDS)
        if call.parser.tokens:
            return failures.stalled(settings.LLM_BETWEEN_TOKENS_SECONDS)
        return failures.no_first_token(settings.LLM_FIRST_TOKEN_SECONDS)


def _connect() -> aiohttp.ClientSession:
    """One connection, which stays open between calls. Waits for tokens are watched by Watch."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1, ssl=_ssl_context(), keepalive_timeout=IDLE_SECONDS),
        timeout=aiohttp.ClientTimeout(connect=settings.LLM_CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        # It looks for passwords in a file at each call then.
        trust_env=bool(getproxies()),
    )


@cache
def _ssl_context() -> ssl.SSLContext:
    """One for all clients: reading the certificates takes longer than making a client."""
    return httpx2.create_ssl_context()


def _headers(key: str) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        # A compressed stream is held back until a block is full.
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": "Groundwork",
    }
    return headers | {"Authorization": f"Bearer {key}"} if key else headers


def _backoff(failure: CallFailed, retries: int) -> float:
    if failure.retry_after is not None:
        return failure.retry_after
    return FIRST_BACKOFF * 2.0**retries * random.uniform(0.75, 1.0)  # noqa: S311 - only jitter
