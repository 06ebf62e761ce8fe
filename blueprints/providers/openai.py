"""OpenAI and every server with a compatible endpoint. The only module that imports `openai`."""

import asyncio
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
from django.conf import settings

from blueprints.keys import key_of
from blueprints.models import LLM, LLMEndpoint
from blueprints.providers import failures
from blueprints.providers.base import LLMRequest, Piece
from blueprints.providers.dialect import Dialect
from blueprints.providers.failures import CallFailed
from blueprints.providers.pace import Pace
from blueprints.providers.pools import Pools
from blueprints.providers.responses import read_to_the_end, whole
from blueprints.providers.sse import ChatStreamParser, NotAnAnswer
from blueprints.providers.watch import Watch

RETRIES = 2
FIRST_BACKOFF = 0.5  # seconds; doubles


_pools: Pools[openai.AsyncOpenAI] = Pools()
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
        except (httpx2.HTTPError, httpx2.StreamError):
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
    async def _response(self, call: _Call) -> AsyncIterator[httpx2.Response]:
        """The open response to the call. Raises CallFailed; closing it hangs up."""
        async with self._client(call) as client:
            response = await self._post(call, client)
            try:
                yield response
            finally:
                await response.aclose()

    @asynccontextmanager
    async def _client(self, call: _Call) -> AsyncIterator[openai.AsyncOpenAI]:
        if call.request.api_key:
            # A caller's own key is for their call alone, and so is the connection.
            async with self._connect(call.key) as client:
                yield client
            return
        mark = f"{self._endpoint.base_url} {call.key}"
        async with _pools.lend(self._endpoint.pk, mark, lambda: self._connect(call.key)) as client:
            yield client

    async def _post(self, call: _Call, client: openai.AsyncOpenAI) -> httpx2.Response:
        try:
            with call.watch:
                response: object = await client.post(
                    "/chat/completions",
                    # The raw response: a typed stream builds an object for every token.
                    cast_to=httpx2.Response,
                    body=self._body(call),
                    stream=True,
                    stream_cls=openai.AsyncStream[Any],
                    options={"headers": _headers(call.key)},
                )
        except openai.APIStatusError as error:
            raise self._refused(call, error) from None
        except openai.APIConnectionError as error:
            raise self._unreachable(error) from None
        assert isinstance(response, httpx2.Response)  # noqa: S101 - as asked for above
        return response

    async def _pieces(self, call: _Call, response: httpx2.Response) -> AsyncGenerator[Piece, None]:
        """The answer as it comes; what is no part of it is kept by the call's parser."""
        parser, watch = call.parser, call.watch
        if "json" in response.headers.get("content-type", ""):
            with watch:
                text = parser.feed_whole(await whole(response))
            for piece in parser.pieces(text):
                yield piece
            return
        chunks = response.aiter_bytes()
        tokens = 0
        while not parser.is_done and parser.error is None:
            call.pace.before_read()
            with watch:
                chunk = await anext(chunks, None)
            text = parser.finish() if chunk is None else parser.feed(chunk)
            for piece in parser.pieces(text):
                yield piece
            if chunk is None:
                return
            if parser.tokens != tokens:
                tokens = parser.tokens
                await call.pace.rest()
                watch.limit(settings.LLM_BETWEEN_TOKENS_SECONDS)
        if parser.is_done:
            await read_to_the_end(chunks, watch)

    def _connect(self, key: str) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            api_key=key or "none",  # never sent, see _headers
            base_url=self._endpoint.base_url,
            max_retries=0,
            # Reads a stream in half the time of the default one, and under load several tokens at once.
            http_client=openai.DefaultAioHttpClient(
                verify=_ssl_context(),
                limits=httpx2.Limits(max_connections=1),
                follow_redirects=False,
                # Waits for tokens are watched by Watch; a time-out here costs a timer per read.
                timeout=httpx2.Timeout(None, connect=settings.LLM_CONNECT_SECONDS),
            ),
        )

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

    def _unreachable(self, error: openai.APIConnectionError) -> CallFailed:
        # The package's way to aiohttp calls each failure to connect a time-out; aiohttp itself does not.
        told = error.__cause__.__cause__ if error.__cause__ is not None else None
        if isinstance(told, TimeoutError):
            return failures.connection_timed_out(self._endpoint.name, settings.LLM_CONNECT_SECONDS)
        return failures.no_connection(self._endpoint.name)

    def _refused(self, call: _Call, error: openai.APIStatusError) -> CallFailed:
        response = error.response
        return failures.of_status(
            response.status_code,
            response.content,
            response.headers,
            model=call.request.model_name,
            key=call.key,
        )

    def _timed_out(self, call: _Call) -> CallFailed:
        if call.watch.is_over:
            return failures.took_too_long(settings.LLM_TOTAL_SECONDS)
        if call.parser.tokens:
            return failures.stalled(settings.LLM_BETWEEN_TOKENS_SECONDS)
        return failures.no_first_token(settings.LLM_FIRST_TOKEN_SECONDS)


@cache
def _ssl_context() -> ssl.SSLContext:
    """One for all clients: reading the certificates takes longer than making a client."""
    return httpx2.create_ssl_context()


def _headers(key: str) -> dict[str, str | openai.Omit]:
    headers: dict[str, str | openai.Omit] = {
        # A compressed stream is held back until a block is full.
        "Accept-Encoding": "identity",
        # Read from the environment by the package, for whatever server.
        "OpenAI-Organization": openai.Omit(),
        "OpenAI-Project": openai.Omit(),
    }
    return headers if key else headers | {"Authorization": openai.Omit()}


def _backoff(failure: CallFailed, retries: int) -> float:
    if failure.retry_after is not None:
        return failure.retry_after
    return FIRST_BACKOFF * 2.0**retries * random.uniform(0.75, 1.0)  # noqa: S311 - only jitter
