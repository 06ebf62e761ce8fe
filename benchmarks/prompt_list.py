"""A chat of 10,000 prompts, listed over the API: how long a page of 100 takes, first, last and any,
for one reader and for eight at once, and how many queries it costs.

    python -m benchmarks.prompt_list
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.scratch import table
from benchmarks.stack import Stack

DOCUMENT = "The lighthouse lamps of the north burn rapeseed oil. " * 12
PAGE = 100
# The question and its answer are of usual length; what else a row holds is as it was recorded.
QUESTION = "Which oil do the lighthouse lamps of the north burn, and since when?"
AIM_MS = 150

COPIES = """
INSERT INTO playground_chatprompt
SELECT (jsonb_populate_record(original, jsonb_build_object(
    'id', lpad(to_hex(number), 24, '0'),
    'created_at', original.created_at + number * interval '1 second',
    'log_id', NULL))).*
FROM playground_chatprompt original, generate_series(1, %s) number
WHERE original.id = %s
"""


async def measure(stack: Stack, path: str, offsets: list[int], readers: int) -> list[float]:
    """Milliseconds of each request; `readers` connections share the work."""
    waiting = list(reversed(offsets))
    times: list[float] = []

    async def read() -> None:
        http = stack.http()
        while waiting:
            offset = waiting.pop()
            began = time.perf_counter()
            status, page = await http.request("GET", f"{path}&offset={offset}")
            times.append((time.perf_counter() - began) * 1000)
            if status != 200 or page["count"] != PAGE:
                raise RuntimeError(f"offset {offset} answered {status}")

    await asyncio.gather(*(read() for _ in range(readers)))
    return times


async def one_answer(stack: Stack) -> tuple[str, str]:
    """(prompt, chat) of an answer with citations."""
    http = stack.http()
    blueprint = await stack.make_blueprint(llm="extractive", documents={"north.txt": DOCUMENT})
    _, asked = await http.request(
        "POST", "/api/v2/genai/chatPrompts/", {"text": QUESTION, "llmBlueprintId": blueprint}
    )
    path = f"/api/v2/genai/chatPrompts/{asked['id']}/"
    while True:
        _, prompt = await http.request("GET", path)
        if prompt["executionStatus"] == "COMPLETED":
            return prompt["id"], prompt["chatId"]
        if prompt["executionStatus"] == "ERROR":
            raise RuntimeError(prompt["resultMetadata"]["errorMessage"])
        await asyncio.sleep(0.2)


def fill(folder: str, prompt: str, count: int) -> None:
    import psycopg

    from config.postgres import embedded_url

    with psycopg.connect(embedded_url(Path(folder) / "postgres")) as link:
        link.execute(COPIES, [count - 1, prompt])
    with psycopg.connect(embedded_url(Path(folder) / "postgres"), autocommit=True) as link:
        # As the server does by itself within a minute.
        link.execute("VACUUM ANALYZE playground_chatprompt")


def count_queries(folder: str, token: str, path: str) -> list[int]:
    """Of a page of one and of a page of a hundred, in this process on the same database."""
    from config.postgres import embedded_url

    os.environ["DATABASE_URL"] = embedded_url(Path(folder) / "postgres")
    os.environ["GROUNDWORK_DATA"] = folder
    os.environ["GROUNDWORK_DEBUG"] = "1"
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    counts = []
    for limit in (1, PAGE):
        with CaptureQueriesContext(connection) as captured:
            client = Client(headers={"authorization": f"Bearer {token}", "host": "localhost"})
            assert client.get(f"{path}&limit={limit}").status_code == 200
        counts.append(len(captured))
    connection.close()
    return counts


def quantile(times: list[float], share: float) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[int(share * 100) - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    last = options.prompts - PAGE
    places: dict[str, list[int]] = {
        "first page": [0] * options.requests,
        "any page": [number * 7919 % (last + 1) for number in range(options.requests)],
        "last page": [last] * options.requests,
    }
    rows: list[list[Any]] = [["", "readers", "p50 ms", "p95 ms", "pages/s"]]
    with (
        tempfile.TemporaryDirectory(prefix="groundwork-benchmark-") as folder,
        Stack(folder, dict(os.environ)) as stack,
    ):
        prompt, chat = uvloop.run(one_answer(stack))
        fill(folder, prompt, options.prompts)
        path = f"/api/v2/genai/chatPrompts/?chatId={chat}"
        listed = f"{path}&limit={PAGE}"
        uvloop.run(measure(stack, listed, [0] * 20, 4))  # warm
        for name, offsets in places.items():
            for readers in (1, 8):
                began = time.perf_counter()
                times = uvloop.run(measure(stack, listed, offsets, readers))
                rate = len(times) / (time.perf_counter() - began)
                p50, p95 = quantile(times, 0.5), quantile(times, 0.95)
                rows.append([name, readers, f"{p50:.0f}", f"{p95:.0f}", f"{rate:.0f}"])
        counts = count_queries(folder, stack.token, path)
    table(rows)
    print(f"queries: {counts[0]} for a page of one, {counts[1]} for a page of {PAGE}")
    print(f"aim: {AIM_MS} ms p50 for eight readers at once")


if __name__ == "__main__":
    main()
