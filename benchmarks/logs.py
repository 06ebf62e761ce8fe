"""A million logs: how long their pages take

In one use case there are a million logs of three months, with what was sent and what came back: of
20 prompts in 4 versions and 5 tools, by 25 people and 5,000 end users; one in a hundred failed and
one in fifty is rated. Each page is asked for in this process, through the whole of Django, and
rendered. With `--posts` programs write 200 logs a second for a minute to a whole Groundwork instead,
by HTTP, and what they were told was stored is looked for.

    .venv/bin/python -m benchmarks.logs --report docs/benchmarks/logs.md
    .venv/bin/python -m benchmarks.logs --posts
"""

import argparse
import asyncio
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import report, scratch
from benchmarks.stack import Stack

AIM_MS, TRACE_AIM_MS = 200, 300
NODES = 500
CONNECTIONS = 32


def cases(now: datetime) -> dict[str, str]:
    """Addresses below the list's, by what they ask for."""
    some = (
        f"{now - timedelta(days=45):%Y-%m-%dT%H:%M}",
        f"{now - timedelta(days=44):%Y-%m-%dT%H:%M}",
    )
    middle = int((now - timedelta(days=45)).timestamp() * 1e6)
    return {
        "first page": "",
        "page in the middle": f"older={middle}-{'0' * 24}",
        "last page": f"newer=0-{'0' * 24}",
        "all levels": "levels=all",
        "path, often called": "path=desk/prompt-0",
        "path, seldom called": "path=desk/prompt-19",
        "version, the oldest": "path=desk/prompt-0&version=1",
        "environment": "environment=staging",
        "source, 1 in 50": "source=nightly",
        "came by, a rare one": "face=pages",
        "user, 1 in 50": "user=person-24@example.com",
        "end user, 1 in 8,000": "end_user=customer-42",
        "failed, 1 in 100": "status=ERROR",
        "one day": f"since={some[0]}&until={some[1]}",
        "cost, the highest": "cost_from=0.00299",
        "cost, most": "cost_from=0.0001",
        "latency, the highest": "latency_from=6300",
        "latency, most": "latency_to=1000",
        "feedback good": "feedback=good",
        "feedback bad": "feedback=bad",
        "feedback, none": "feedback=none",
        "path and failed": "path=desk/prompt-3&status=ERROR",
        "user and latency": "user=person-9@example.com&latency_from=5000",
        "environment and feedback bad": "environment=staging&feedback=bad",
        "old version and feedback bad": "path=desk/prompt-2&version=2&feedback=bad",
        "end user and cost": "end_user=customer-42&cost_from=0.002",
        "words in many": "text=Oslo",
        "words in 1 of 250,000": "text=zeppelin",
        "words of one path": "path=desk/prompt-19&text=kettle",
        "charts, 14 days": "charts/",
        "charts, 90 days": f"charts/?since={now - timedelta(days=90):%Y-%m-%dT%H:%M}",
        "charts of a prompt, 90 days": "charts/?path=desk/prompt-0"
        f"&since={now - timedelta(days=90):%Y-%m-%dT%H:%M}",
        "charts, one source": "charts/?source=nightly",
    }


def timed(get: Callable[[str], Any], url: str, count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        answer = get(url)
        times.append((time.perf_counter() - began) * 1000)
        # 422: the database was not given the time that this takes.
        assert answer.status_code in (200, 422), (url, answer.status_code)
    return times


def big_trace(use_case: Any) -> str:
    """The address of a flow with 499 logs of a tool below it, three levels deep."""
    from django.urls import reverse

    from benchmarks.log_rows import file_of
    from blueprints.models import FileKind, FileVersion
    from tracing.models import Face, Log, LogKind, LogPayload

    user = use_case.created_by
    flow = file_of(use_case, user, FileKind.FLOW, "flows/benchmark")
    tool = FileVersion.objects.filter(file__use_case=use_case, file__kind=FileKind.TOOL)[0]
    now = datetime.now(UTC)
    common = {"use_case": use_case, "face": Face.PROMPTS, "user": user, "status": "COMPLETED"}
    root = Log(kind=LogKind.FLOW, file_id=flow.file_id, started_at=now, **common)
    logs = [root]
    for number in range(1, NODES):
        parent = logs[(number - 1) // 8]
        times = {"started_at": now, "latency_ms": 20.0, "ended_at": now}
        own = {"kind": LogKind.TOOL, "file_id": tool.file_id, "file_version": tool}
        logs.append(Log(parent=parent, root=root, **times, **own, **common))
    Log.objects.bulk_create(logs)
    LogPayload.objects.bulk_create(
        LogPayload(log=log, inputs={"order": number}, text="Thirty days. " * 20)
        for number, log in enumerate(logs)
    )
    return reverse("tracing:log-detail", args=[root.pk])


def prompt_pages(use_case: Any) -> dict[str, str]:
    """The list of prompts, and the page of the one that is called most."""
    from django.urls import reverse

    from blueprints.models import Blueprint

    often = Blueprint.objects.get(use_case=use_case, path="desk/prompt-0")
    return {
        "prompts, 30 days": reverse("playground:path-list", args=[use_case.pk]),
        "prompt, often called": reverse("playground:blueprint-versions", args=[often.pk]),
    }


def measure_pages(count: int, requests: int) -> list[list[object]]:
    scratch.start()
    from django.conf import settings
    from django.test import Client
    from django.urls import reverse

    from benchmarks.log_rows import fill

    settings.ALLOWED_HOSTS = ["*"]
    began = time.perf_counter()
    use_case = fill(count)
    print(f"{count:,} logs written in {time.perf_counter() - began:.0f} s", flush=True)
    client = Client()
    client.force_login(use_case.created_by)
    url = reverse("tracing:log-list", args=[use_case.pk])
    addresses = {
        name: url + (asked if asked.startswith("charts/") else f"?{asked}")
        for name, asked in cases(datetime.now(UTC)).items()
    }
    addresses |= prompt_pages(use_case) | {f"trace of {NODES} logs": big_trace(use_case)}
    rows: list[list[object]] = [["page", "p50 ms", "p95 ms", "rows"]]
    for name, address in addresses.items():
        timed(client.get, address, 2)  # warm
        slow = name.startswith(("charts", "words in 1"))
        times = timed(client.get, address, max(5, requests // 4) if slow else requests)
        shown = len(re.findall(b'<tr id="log-', client.get(address).content))
        p50, p95 = quantile(times, 0.5), quantile(times, 0.95)
        rows.append([name, f"{p50:.0f}", f"{p95:.0f}", shown])
        print(*rows[-1], sep=" · ", flush=True)
    return rows


def quantile(times: list[float], share: float) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[int(share * 100) - 1]


async def post_logs(stack: Stack, rate: int, seconds: int) -> tuple[list[float], list[str], float]:
    """Milliseconds from when each was due to its answer, the ids that were told, and how long all of
    it took. A log is due whether the one before was answered or not."""
    count = rate * seconds
    times: list[float] = []
    ids: list[str] = []
    waiting = iter(range(count))
    body = {
        "path": "desk/benchmark",
        "prompt": {
            "model": "gpt-4o-mini",
            "template": [{"role": "system", "content": "Be brief."}],
        },
        "messages": [{"role": "user", "content": "What about the kettle? " * 10}],
        "output": "It may be returned within thirty days. " * 6,
        "source": "benchmark",
        "prompt_tokens": 210,
        "output_tokens": 60,
        "provider_latency": 0.8,
    }
    http = stack.http()
    await http.request("POST", "/api/v2/useCases/", {"name": "Benchmark"})
    status, told = await http.request("POST", "/v5/prompts/log", body)  # makes the prompt
    assert status == 200, told
    began = time.perf_counter()

    async def post() -> None:
        http = stack.http()
        for number in waiting:
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status, told = await http.request("POST", "/v5/prompts/log", body)
            times.append((time.perf_counter() - due) * 1000)
            if status == 200:
                ids.append(told["id"])

    await asyncio.gather(*(post() for _ in range(CONNECTIONS)))
    return times, ids, time.perf_counter() - began


def measure_posts(rate: int, seconds: int) -> list[list[object]]:
    import psycopg

    from config.postgres import embedded_url

    with (
        tempfile.TemporaryDirectory(prefix="groundwork-benchmark-") as folder,
        Stack(folder, dict(os.environ)) as stack,
    ):
        times, ids, lasted = uvloop.run(post_logs(stack, rate, seconds))
        with psycopg.connect(embedded_url(Path(folder) / "postgres")) as link:
            stored = {row[0] for row in link.execute("SELECT 'log_' || id FROM tracing_log")}
    lost = len(set(ids) - stored)
    return [
        ["due", "answered", "lost", "logs/s", "p50 ms", "p95 ms"],
        [
            rate * seconds,
            len(ids),
            lost,
            f"{len(times) / lasted:.0f}",
            f"{quantile(times, 0.5):.0f}",
            f"{quantile(times, 0.95):.0f}",
        ],
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--posts", action="store_true")
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    if options.posts:
        scratch.table(measure_posts(options.rate, options.seconds))
        return
    rows = measure_pages(options.logs, options.requests)
    scratch.table(rows)
    print(f"aims: {AIM_MS} ms p50 for a page of the list, {TRACE_AIM_MS} ms for the trace")
    if options.report:
        assert __doc__ is not None
        report.write(options.report, "benchmarks.logs", __doc__, rows)


if __name__ == "__main__":
    main()
