"""A whole Groundwork on a throw-away folder, for benchmarks."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.error import URLError

import psutil

from benchmarks.http_client import Http

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Stack:
    """PostgreSQL, web and worker, as `make run` starts them."""

    def __init__(self, folder: str, environment: dict[str, str]) -> None:
        self.port = free_port()
        self._log = Path(folder) / "launcher.log"
        self._environment = environment | {
            "GROUNDWORK_DATA": folder,
            "GROUNDWORK_PORT": str(self.port),
            "GROUNDWORK_LOCAL_LLM_SERVERS": ",",
            "GROUNDWORK_SAMPLE": "0",
        }
        self._environment.pop("DATABASE_URL", None)
        self.token = ""

    def __enter__(self) -> Self:
        self._launcher = subprocess.Popen(
            [sys.executable, "-m", "config.launcher"],
            cwd=ROOT,
            env=self._environment,
            stdout=self._log.open("w"),
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        command = [sys.executable, "manage.py", "token", "benchmark@example.com"]
        answer = subprocess.run(
            command, cwd=ROOT, env=self._environment, check=True, capture_output=True, text=True
        )
        self.token = answer.stdout.strip().splitlines()[-1]
        return self

    def __exit__(self, *error: object) -> None:
        self._launcher.send_signal(signal.SIGINT)
        self._launcher.wait(60)

    def _wait_until_ready(self) -> None:
        ends_at = time.monotonic() + _START_SECONDS
        while time.monotonic() < ends_at and self._launcher.poll() is None:
            with contextlib.suppress(URLError, ConnectionError, TimeoutError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
                return
            time.sleep(0.2)
        raise RuntimeError(f"Groundwork did not start:\n{self._log.read_text()}")

    @contextlib.contextmanager
    def also(self, command: list[str]) -> Iterator[None]:
        """Another program beside it, for the same time."""
        process = subprocess.Popen(command, cwd=ROOT)
        try:
            yield
        finally:
            process.terminate()
            process.wait(10)

    def http(self) -> Http:
        return Http("127.0.0.1", self.port, self.token)

    def memory(self) -> dict[str, float]:
        """Resident megabytes of the Python processes."""
        children = psutil.Process(self._launcher.pid).children(recursive=True)
        named = {}
        for child in children:
            with contextlib.suppress(psutil.Error):
                command = " ".join(child.cmdline())
                for name, mark in (("web", "uvicorn"), ("worker", "manage.py worker")):
                    if mark in command:
                        named[name] = child.memory_info().rss / 1e6
        return named

    async def make_blueprint(self, *, llm: str, documents: dict[str, str]) -> str:
        """The id of a blueprint with this LLM and a vector database of the documents."""
        http = self.http()
        use_case = await self._create(http, "/api/v2/useCases/", {"name": "Benchmark"})
        settings: dict[str, Any] = {}
        if documents:
            settings["vectorDatabaseId"] = await self._database(http, use_case, documents)
        playground = await self._create(
            http,
            "/api/v2/genai/playgrounds/",
            {"name": "Benchmark", "description": "", "useCaseId": use_case},
        )
        _, llms = await http.request("GET", "/api/v2/genai/llms/")
        llm_id = next(row["id"] for row in llms["data"] if row["id"].endswith(llm))
        return await self._create(
            http,
            "/api/v2/genai/llmBlueprints/",
            {
                "playgroundId": playground,
                "name": "Benchmark",
                "promptType": "ONE_TIME_PROMPT",
                "llmId": llm_id,
                **settings,
            },
        )

    async def _create(self, http: Http, path: str, body: dict[str, Any]) -> str:
        status, answer = await http.request("POST", path, body)
        if status not in (201, 202):
            raise RuntimeError(f"{path} answered {status}: {answer}")
        identifier: str = answer["id"]
        return identifier

    async def _database(self, http: Http, use_case: str, documents: dict[str, str]) -> str:
        dataset = await asyncio.to_thread(self._upload, documents)
        await http.request("POST", f"/api/v2/useCases/{use_case}/datasets/{dataset}/")
        database = await self._create(
            http, "/api/v2/genai/vectorDatabases/", {"datasetId": dataset, "useCaseId": use_case}
        )
        while True:
            _, row = await http.request("GET", f"/api/v2/genai/vectorDatabases/{database}/")
            if row["executionStatus"] == "COMPLETED":
                return database
            if row["executionStatus"] == "ERROR":
                raise RuntimeError(row["errorMessage"])
            await asyncio.sleep(0.2)

    def _upload(self, documents: dict[str, str]) -> str:
        [(name, text)] = documents.items()
        boundary = os.urandom(16).hex()
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: text/plain\r\n\r\n{text}\r\n--{boundary}--\r\n"
        )
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v2/datasets/fromFile/",
            data=body.encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": f"multipart/form-data; boundary={boundary}",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            identifier: str = json.load(answer)["catalogId"]
            return identifier
