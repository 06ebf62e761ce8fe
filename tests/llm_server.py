"""A small OpenAI-compatible server over real sockets, for tests and benchmarks.

It streams at a set pace, records what it was asked, and fails as told: by a script
(`server.script(Behaviour(...), ...)`, one per request), always (`server.always = ...`), or by the
name of the model that is asked for (`stall`, `broken`, `unauthorized`, ... see BY_MODEL).

    python -m tests.llm_server --port 9000 --first-token-ms 50 --tokens 64 --interval-ms 10
"""

import argparse
import asyncio
import json
import re
import threading
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import uvloop

DEFAULT_TEXT = (
    "According to the sources, a return is possible within 30 days of delivery [1]. "
    "The refund reaches the account within five working days."
)
MODELS = [{"id": "test-model", "object": "model", "owned_by": "tests", "max_model_len": 8192}]


@dataclass(frozen=True)
class Behaviour:
    """How one request is answered. Without arguments: well."""

    status: int = 200
    body: Any = None  # sent instead of an answer: bytes, or an object as JSON
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    first_token_ms: float | None = None
    interval_ms: float | None = None
    stall_after: int | None = None  # tokens, then silence on an open connection
    break_after: int | None = None  # tokens, then the connection is cut
    chunks: tuple[bytes, ...] | None = None  # the raw body of the stream, in these writes
    extra: tuple[dict[str, Any], ...] = ()  # events before the first token
    hang: bool = False  # after the chunks the connection stays open
    is_silent: bool = False  # the request is read and nothing is ever said
    as_json: bool = False  # no stream, though one was asked for
    finish_reason: str | None = "stop"
    has_usage: bool = True
    has_done: bool = True
    refuses: str = ""  # an option that is answered by 400


def failing(
    status: int, message: str = "It went wrong.", code: str = "error", **more: Any
) -> Behaviour:
    return Behaviour(status=status, body={"error": {"message": message, "code": code}}, **more)


def rate_limited(retry_after: str = "0") -> Behaviour:
    return failing(429, "Slow down.", "rate_limit", headers={"Retry-After": retry_after})


UNAUTHORIZED = failing(401, "Incorrect API key provided: sk-secret123.", "invalid_api_key")
TOO_LONG = failing(
    400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded"
)
FILTERED = Behaviour(
    status=400,
    body={
        "error": {
            "message": "The response was filtered due to the prompt triggering the policy.",
            "code": "content_filter",
            "innererror": {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": {"violence": {"filtered": True, "severity": "high"}},
            },
        }
    },
)
GARBAGE = Behaviour(
    body=b"<html><body>It works!</body></html>", headers={"Content-Type": "text/html"}
)

BY_MODEL = {
    "unauthorized": UNAUTHORIZED,
    "rate-limited": rate_limited("1"),
    "fails": failing(500),
    "stall": Behaviour(stall_after=3),
    "broken": Behaviour(break_after=3),
    "garbage": GARBAGE,
    "silent": Behaviour(is_silent=True),
    "too-long": TOO_LONG,
    "filtered": FILTERED,
    "slow": Behaviour(first_token_ms=3000),
}


class Request:
    """What the server was asked, whether it fell silent, and whether the client hung up on it."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: Any) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.is_silent = threading.Event()
        self.hung_up = threading.Event()


class LLMServer:
    """Runs in a thread of its own: `with LLMServer() as server: ... server.base_url`."""

    def __init__(
        self,
        *,
        port: int = 0,
        text: str = DEFAULT_TEXT,
        first_token_ms: float = 0,
        interval_ms: float = 0,
    ) -> None:
        self.port = port
        self.text = text
        self.first_token_ms = first_token_ms
        self.interval_ms = interval_ms
        self.requests: list[Request] = []
        self.always = Behaviour()
        # Where set, the text of an answer by the body of its request, unless told otherwise.
        self.replies: Callable[[Any], str] | None = None
        self.models: list[dict[str, Any]] = list(MODELS)
        self.models_behaviour: Behaviour | None = None
        self.pages: dict[str, Any] = {}  # other paths, and the JSON found there
        self.key = ""  # where set, requests need it
        self.dimensions = 48
        self.embedding_batch = 2_048  # texts of one request
        self.embedding_window = 0  # words; where set, longer texts are refused, or cut
        self.cuts_texts = False
        # One permit for each request that came, and for each connection that ended.
        self.arrived = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)
        self._script: deque[Behaviour] = deque()
        self._writers: set[asyncio.StreamWriter] = set()
        self._answering: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="llm-server", daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._writers)

    @property
    def prompts(self) -> list[Any]:
        """The bodies of the chat completions that were asked for."""
        return [r.body for r in self.requests if r.path.endswith("/chat/completions")]

    @property
    def embedded(self) -> list[Any]:
        """The bodies of the requests for embeddings."""
        return [r.body for r in self.requests if r.path.endswith("/embeddings")]

    def script(self, *behaviours: Behaviour) -> None:
        """How the next requests are answered, one each; then as `always` says."""
        self._script.extend(behaviours)

    def answer_well(self) -> None:
        """From now on, whatever it was told before."""
        self._script.clear()
        self.always = Behaviour()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *error: object) -> None:
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self.serve())
        finally:
            self._loop.close()

    async def serve(self) -> None:
        """Until stopped; also for running without a thread."""
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            # Not those of asyncio, which just accept a connection: its socket would stay open.
            for task in self._answering:
                task.cancel()
            await asyncio.wait(others)
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        own = asyncio.current_task()
        assert own is not None
        self._answering.add(own)
        own.add_done_callback(self._answering.discard)
        try:
            while request := await _read_request(reader):
                self.requests.append(request)
                self.arrived.release()
                await self._answer(request, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            self.ended.release()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return _whole(writer, UNAUTHORIZED.status, UNAUTHORIZED.body)
        if request.path.endswith("/models"):
            told = self.models_behaviour or Behaviour(body={"object": "list", "data": self.models})
            return await self._plain(told, request, reader, writer)
        if request.path in self.pages:
            return _whole(writer, 200, self.pages[request.path])
        if request.path.endswith("/embeddings"):
            return await self._plain(self._embeddings(request), request, reader, writer)
        if not request.path.endswith("/chat/completions"):
            return _whole(writer, 404, {"error": {"message": "Not Found"}})
        return await self._complete(request, reader, writer)

    async def _complete(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        told = self._behaviour(request)
        if told.refuses and told.refuses in request.body:
            message = f"Unrecognized request argument supplied: {told.refuses}"
            return _whole(writer, 400, {"error": {"message": message}})
        if told.body is not None or told.is_silent:
            return await self._plain(told, request, reader, writer)
        if told.as_json or not request.body.get("stream"):
            return _whole(writer, 200, self._completion(told, request), told.headers)
        return await self._stream(told, request, reader, writer)

    def _behaviour(self, request: Request) -> Behaviour:
        if self._script:
            return self._script.popleft()
        told = BY_MODEL.get(str(request.body.get("model")), self.always)
        if self.replies is not None and told.text is None:
            return replace(told, text=self.replies(request.body))
        return told

    def _embeddings(self, request: Request) -> Behaviour:
        told = self._behaviour(request)
        texts = request.body["input"]
        if told.body is not None or told.is_silent:
            return told
        if len(texts) > self.embedding_batch:
            most = self.embedding_batch
            return Behaviour(422, {"error": f"batch size {len(texts)} > maximum allowed {most}"})
        window = self.embedding_window or max(len(text.split()) for text in texts)
        if not self.cuts_texts and any(len(text.split()) > window for text in texts):
            return TOO_LONG
        dimensions = request.body.get("dimensions") or self.dimensions
        vectors = [vector_of(" ".join(text.split()[:window]), dimensions) for text in texts]
        data = [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]
        # The order is not promised by anybody.
        return Behaviour(body={"object": "list", "data": data[::-1], "model": "test-embedder"})

    async def _plain(
        self,
        told: Behaviour,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if told.is_silent:
            await self._until_hung_up(request, reader)
        else:
            _whole(writer, told.status, told.body, told.headers)

    async def _until_hung_up(self, request: Request, reader: asyncio.StreamReader) -> None:
        await reader.read(1)
        request.hung_up.set()
        raise ConnectionResetError

    def _tokens(self, told: Behaviour) -> list[str]:
        words = (self.text if told.text is None else told.text).split(" ")
        return [words[0], *(f" {word}" for word in words[1:])]

    def _usage(self, told: Behaviour, request: Request) -> dict[str, int]:
        sent = sum(len(str(m["content"]).split()) for m in request.body["messages"])
        answered = len(self._tokens(told))
        return {
            "prompt_tokens": sent,
            "completion_tokens": answered,
            "total_tokens": sent + answered,
        }

    def _completion(self, told: Behaviour, request: Request) -> dict[str, Any]:
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": request.body.get("model"),
            "choices": [
                {
                    "index": 0,
                    "finish_reason": told.finish_reason,
                    "message": {"role": "assistant", "content": "".join(self._tokens(told))},
                }
            ],
            "usage": self._usage(told, request),
        }

    async def _stream(
        self,
        told: Behaviour,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        head = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"} | told.headers
        _head(writer, 200, head)
        if told.chunks is not None:
            for chunk in told.chunks:
                writer.write(_chunked(chunk))
                await writer.drain()
            if told.hang:
                await self._until_hung_up(request, reader)
            writer.write(b"0\r\n\r\n")
            return
        first = self.first_token_ms if told.first_token_ms is None else told.first_token_ms
        pace = self.interval_ms if told.interval_ms is None else told.interval_ms
        writes = self._writes(told, request)
        hang_up: asyncio.Future[Any] = asyncio.ensure_future(reader.read(1))
        ticks = _Ticks(writes, writer, first / 1000, pace / 1000)
        try:
            await asyncio.wait({hang_up, ticks.done}, return_when=asyncio.FIRST_COMPLETED)
            if not ticks.done.done():
                request.hung_up.set()
                raise ConnectionResetError
            if told.stall_after is not None:
                request.is_silent.set()
                await hang_up
                request.hung_up.set()
                raise ConnectionResetError
            if told.break_after is not None:
                await writer.drain()
                writer.close()
                raise ConnectionResetError
        finally:
            ticks.stop()
            hang_up.cancel()
            await asyncio.gather(hang_up, return_exceptions=True)

    def _writes(self, told: Behaviour, request: Request) -> list[bytes]:
        """What is written at each tick: a token each, the end together with the last."""
        model = request.body.get("model", "")
        events = [_delta(model, {"content": token}) for token in self._tokens(told)]
        events[0] = (
            b"".join(_event(event) for event in told.extra)
            + _delta(model, {"role": "assistant", "content": ""})
            + events[0]
        )
        cut = told.stall_after if told.stall_after is not None else told.break_after
        if cut is not None:
            return [_chunked(event) for event in events[:cut]]
        tail = _delta(model, {}, told.finish_reason) if told.finish_reason else b""
        options = request.body.get("stream_options") or {}
        if told.has_usage and options.get("include_usage"):
            usage = {"choices": [], "usage": self._usage(told, request)}
            tail += _event({"object": "chat.completion.chunk", "model": model} | usage)
        tail += b"data: [DONE]\n\n" if told.has_done else b""
        writes = [_chunked(event) for event in events]
        writes[-1] += (_chunked(tail) if tail else b"") + b"0\r\n\r\n"
        return writes


class _Ticks:
    """Writes at a pace set from the start, by timers: no task wakes up for a token."""

    def __init__(
        self, writes: list[bytes], writer: asyncio.StreamWriter, first: float, pace: float
    ) -> None:
        self._writes = writes
        self._transport = writer.transport
        self._loop = asyncio.get_running_loop()
        self._pace = pace
        self._next = self._loop.time() + first
        self._at = 0
        self.done: asyncio.Future[Any] = self._loop.create_future()
        self._timer: asyncio.Handle | None = None
        self._schedule()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        if self._at == len(self._writes):
            self.done.set_result(None)
        elif self._next > self._loop.time():
            self._timer = self._loop.call_at(self._next, self._tick)
        else:
            self._timer = self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        self._transport.write(self._writes[self._at])
        self._at += 1
        self._next += self._pace
        self._schedule()


def vector_of(text: str, dimensions: int) -> list[float]:
    """Texts that share words have vectors that are near each other."""
    vector = [0.001] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode()) % dimensions] += 1.0
    return vector


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    start = await reader.readexactly(1)
    if not start.isalpha():  # TLS, for example
        raise ConnectionResetError
    head = start + await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().rstrip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length") or 0))
    return Request(method, path, headers, json.loads(body) if body else None)


def _delta(model: str, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    return _event(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        }
    )


def _event(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def _chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _head(writer: asyncio.StreamWriter, status: int, headers: dict[str, str]) -> None:
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {text}" for name, text in headers.items())]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())


def _whole(
    writer: asyncio.StreamWriter, status: int, body: Any, headers: dict[str, str] | None = None
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    fixed = {"Content-Type": "application/json", "Content-Length": str(len(data))}
    _head(writer, status, fixed | (headers or {}))
    writer.write(data)


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server for benchmarks.")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--first-token-ms", type=float, default=50)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--interval-ms", type=float, default=10)
    options = parser.parse_args()
    text = " ".join(["[1]" if n == 1 else f"word{n}" for n in range(options.tokens)])
    server = LLMServer(
        port=options.port,
        text=text,
        first_token_ms=options.first_token_ms,
        interval_ms=options.interval_ms,
    )
    server.always = replace(server.always)
    try:
        uvloop.run(server.serve())
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
