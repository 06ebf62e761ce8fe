"""What Groundwork adds to an LLM's answer: first token and total, against the same server directly.

Starts everything itself on a throw-away folder: an LLM server (50 ms to the first token, then 64
tokens 10 ms apart), PostgreSQL, web and worker, and a small vector database with the real embedder.
Clients ask in a closed loop, in turns directly and through Groundwork (REST to ask, the event
stream to read; with --as-model by /v1/chat/completions, as the server itself is asked), so that both
are measured under the same conditions in one run.

    .venv/bin/python -m benchmarks.answer_overhead [--at-once 1 8 32 64] [--rounds 8] [--no-retrieval]
        [--as-model]
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field

import uvloop

from benchmarks.http_client import Http
from benchmarks.stack import Stack, free_port

TOKENS = 64
MODEL = "test-model"
# Every question is another one: vectors of the same one are remembered.
QUESTION = "How long can opened item number {} be returned?"
DOCUMENT = "Opened items can be returned for store credit until day 60. " * 40


@dataclass
class Times:
    """Seconds from the question to the first token and to the end."""

    first: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def add(self, first: float, total: float, text: str, expected: str) -> None:
        if text != expected:
            self.errors.append(f"{len(text)} characters instead of {len(expected)}")
        self.first.append(first)
        self.total.append(total)


_numbers = itertools.count()


def _question() -> str:
    return QUESTION.format(next(_numbers))


async def ask_model(server: Http, model: str, times: Times, expected: str) -> None:
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": _question()}]}
    start = time.perf_counter()
    first, pieces = 0.0, []
    async for line in server.stream("POST", "/v1/chat/completions", body):
        if line.startswith(b"data: {"):
            choices = json.loads(line[6:])["choices"]
            if choices and (text := choices[0]["delta"].get("content")):
                first = first or time.perf_counter() - start
                pieces.append(text)
    times.add(first, time.perf_counter() - start, "".join(pieces), expected)


class Watcher:
    """One page's event stream, open for the length of the benchmark."""

    def __init__(self, http: Http, chat_id: str) -> None:
        self.events = http.stream("GET", f"/events/?chat={chat_id}")

    async def opened(self) -> None:
        """Wait until it is: what happened before is not told."""
        async for line in self.events:
            if line.startswith(b"event: sync"):
                return
        raise RuntimeError("The event stream ended.")

    async def until_finished(self, start: float) -> tuple[float, str]:
        """Seconds to the first token, and the text."""
        first, pieces, event = 0.0, [], b""
        async for line in self.events:
            if line.startswith(b"event: "):
                event = line[7:]
            elif line.startswith(b"data: ") and event == b"delta":
                first = first or time.perf_counter() - start
                pieces.append(json.loads(line[6:])["text"])
            elif line.startswith(b"data: ") and event == b"finished":
                return first, "".join(pieces)
        raise RuntimeError("The event stream ended.")


async def ask_groundwork(
    http: Http, watcher: Watcher, chat_id: str, times: Times, expected: str
) -> None:
    start = time.perf_counter()
    status, answer = await http.request(
        "POST", "/api/v2/genai/chatPrompts/", {"text": _question(), "chatId": chat_id}
    )
    if status != 202:
        raise RuntimeError(f"{status}: {answer}")
    first, text = await watcher.until_finished(start)
    times.add(first, time.perf_counter() - start, text, expected)


async def measure(
    stack: Stack, llm_port: int, blueprint: str, at_once: int, rounds: int, *, as_model: bool
):
    expected = " ".join(["[1]" if n == 1 else f"word{n}" for n in range(TOKENS)])
    direct, through = Times(), Times()

    async def client(number: int) -> None:
        server, http = Http("127.0.0.1", llm_port), stack.http()
        path = (await http.request("GET", "/v1/models"))[1]["data"][0]["id"]
        _, chat = await http.request(
            "POST", "/api/v2/genai/chats/", {"llmBlueprintId": blueprint, "name": "Benchmark"}
        )
        watcher = Watcher(stack.http(), chat["id"])
        await watcher.opened()
        for turn in range(rounds + 1):
            # The first turn warms up; clients start spread over the length of one answer.
            ours, theirs = (through, direct) if turn else (Times(), Times())
            if turn == 0:
                await asyncio.sleep(0.7 * number / at_once)
            await ask_model(server, MODEL, theirs, expected)
            if as_model:
                await ask_model(http, path, ours, expected)
            else:
                await ask_groundwork(http, watcher, chat["id"], ours, expected)

    await asyncio.gather(*(client(number) for number in range(at_once)))
    return direct, through


def milliseconds(values: list[float], quantile: float) -> float:
    if len(values) == 1:
        return values[0] * 1000
    return statistics.quantiles(values, n=100, method="inclusive")[int(quantile * 100) - 1] * 1000


async def run(arguments: argparse.Namespace, stack: Stack, llm_port: int) -> bool:
    blueprint = await stack.make_blueprint(
        llm=MODEL, documents={} if arguments.no_retrieval else {"returns.txt": DOCUMENT}
    )
    print("first token and total in ms, p50 (p95); added = through Groundwork - directly")
    print(
        f"{'at once':>8} {'direct first':>14} {'ours first':>16} {'added p50':>10} {'added p95':>10}"
        f" {'ratio':>6} {'direct total':>14} {'ours total':>14} {'errors':>7}"
    )
    fine = True
    for at_once in arguments.at_once:
        direct, through = await measure(
            stack,
            llm_port,
            blueprint,
            at_once,
            arguments.rounds,
            as_model=arguments.as_model,
        )
        d50, d95 = (milliseconds(direct.first, q) for q in (0.5, 0.95))
        t50, t95 = (milliseconds(through.first, q) for q in (0.5, 0.95))
        print(
            f"{at_once:>8} {d50:>7.1f} ({d95:.0f}) {t50:>9.1f} ({t95:.0f}) {t50 - d50:>10.1f}"
            f" {t95 - d50:>10.1f} {t50 / d50:>6.2f} {milliseconds(direct.total, 0.5):>14.0f}"
            f" {milliseconds(through.total, 0.5):>14.0f} {len(through.errors):>7}"
        )
        fine = fine and not through.errors
        if through.errors:
            print("         ", through.errors[0])
    for name, megabytes in stack.memory().items():
        print(f"{name}: {megabytes:.0f} MB resident")
    return fine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--no-retrieval", action="store_true")
    parser.add_argument("--as-model", action="store_true")
    arguments = parser.parse_args()
    llm_port = free_port()
    command = [
        sys.executable, "-m", "tests.llm_server", "--port", str(llm_port), "--tokens", str(TOKENS),
        "--first-token-ms", "50", "--interval-ms", "10",
    ]  # fmt: skip
    environment = {
        "OPENAI_API_KEY": "benchmark",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{llm_port}/v1",
    }
    with tempfile.TemporaryDirectory(prefix="groundwork-benchmark-") as folder:
        stack = Stack(folder, os.environ | environment)
        with stack.also(command), stack:
            # The clients share the machine with what they measure.
            fine = uvloop.run(run(arguments, stack, llm_port))
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
