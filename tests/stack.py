"""A running Groundwork for tests that kill its parts, or ask it in masses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from config.postgres import embedded_url
from tests.llm_server import Behaviour, LLMServer
from tests.running import PROCESSES, Running, free_port, start
from tests.visitors import Person, Watcher, wait_for

FINISHED = {"COMPLETED", "ERROR", "SKIPPED", "CANCELLED"}


def words(count: int) -> str:
    """A text whose every piece tells its place, with characters of one to four bytes."""
    return " ".join(f"wörd{number}😀" for number in range(count))


@dataclass
class Stack:
    """A running Groundwork, the LLM server that it knows, and alice's use case in it."""

    running: Running
    llm: LLMServer
    alice: Person
    bob: Person
    vera: Person
    use_case: str
    playground: str
    blueprint: str

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(embedded_url(self.running.data / "postgres")) as link:
            return link.execute(query, values).fetchall()

    def change(self, statement: str, *values: Any) -> None:
        with psycopg.connect(embedded_url(self.running.data / "postgres")) as link:
            link.execute(statement, values)

    def chat(self) -> str:
        return str(self.alice.make("genai/chats/", llmBlueprintId=self.blueprint)["id"])

    def saved_blueprint(self, name: str) -> str:
        """Another that asks the same LLM."""
        plain = self.alice.get(f"genai/llmBlueprints/{self.blueprint}/")
        made = self.alice.make(
            "genai/llmBlueprints/", playgroundId=self.playground, name=name, llmId=plain["llmId"]
        )["id"]
        answer = self.alice.send("PATCH", f"/api/v2/genai/llmBlueprints/{made}/", {"isSaved": True})
        assert answer.status == 200, answer
        return str(made)

    def watch(self, chat: str, **options: Any) -> Watcher:
        return Watcher(self.alice, f"chat={chat}", **options)

    def answers_with(self, text: str, interval_ms: float = 20, **more: Any) -> None:
        self.llm.always = Behaviour(text=text, interval_ms=interval_ms, **more)

    def prompt(self, prompt_id: str) -> tuple[Any, ...]:
        """(status, text, attempt)."""
        [row] = self.sql(
            "SELECT status, result_text, attempt FROM playground_chatprompt WHERE id = %s",
            prompt_id,
        )
        return row

    def finished(self, prompt_id: str) -> tuple[Any, ...]:
        """The same once it is finished."""

        def found() -> tuple[Any, ...] | None:
            try:
                row = self.prompt(prompt_id)
            except psycopg.OperationalError:
                return None
            return row if row[0] in FINISHED else None

        row: tuple[Any, ...] = wait_for(found, f"the end of {prompt_id}")
        return row

    def in_mid_answer(self, prompt_id: str) -> None:
        """Return once some of the text is stored."""
        wait_for(lambda: self.prompt(prompt_id)[1], "the first words")

    def process(self, name: str) -> psutil.Process:
        """The launcher's child: web or worker."""

        def found() -> psutil.Process | None:
            family = psutil.Process(self.running.process.pid).children()
            for one in family:
                try:
                    if PROCESSES[name] in one.cmdline():
                        return one
                except psutil.Error:
                    continue
            return None

        process: psutil.Process = wait_for(found, f"the {name}")
        return process

    def postmaster(self) -> psutil.Process:
        pid_file = Path(self.running.data / "postgres" / "postmaster.pid")
        return psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))

    def nothing_is_left(self) -> None:
        """No prompt, document or job is unfinished."""

        def is_quiet() -> bool:
            try:
                [row] = self.sql(
                    "SELECT (SELECT count(*) FROM playground_chatprompt"
                    " WHERE status IN ('NEW', 'RUNNING')),"
                    " (SELECT count(*) FROM vectordb_ingestion WHERE status IN ('NEW', 'RUNNING')),"
                    " (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))"
                )
            except psycopg.OperationalError:
                return False
            return row == (0, 0, 0)

        wait_for(is_quiet, "the end of everything that was begun")


@contextmanager
def launched(data: Path, **environment: str) -> Iterator[Stack]:
    """A Groundwork of one's own, without the sample, with these settings besides."""
    with LLMServer() as llm:
        running = start(
            data,
            free_port(),
            GROUNDWORK_SAMPLE="0",
            GROUNDWORK_LOCAL_LLM_SERVERS=",",
            OPENAI_API_KEY="sk-tests",
            OPENAI_BASE_URL=llm.base_url,
            **environment,
        )
        try:
            yield _furnished(running, llm)
        finally:
            running.end()


@pytest.fixture(scope="session")
def whole_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One for the whole run: whatever is killed in it comes back."""
    with launched(tmp_path_factory.mktemp("stack") / "data") as stack:
        yield stack


def _furnished(running: Running, llm: LLMServer) -> Stack:
    alice = Person(running.port, running.token)
    bob = Person(running.port, running.manage("token", "bob@example.com"))
    vera = Person(running.port, running.manage("token", "vera@example.com"))

    def llm_id() -> str | None:
        found = [one["id"] for one in alice.get("genai/llms/")["data"]]
        return next((one for one in found if one.endswith("test-model")), None)

    model = wait_for(llm_id, "the LLM server's model")
    use_case = alice.make("useCases/", name="Support")["id"]
    playground = alice.make("genai/playgrounds/", name="Bots", useCaseId=use_case)["id"]
    blueprint = alice.make(
        "genai/llmBlueprints/", playgroundId=playground, name="Plain", llmId=model
    )["id"]
    stack = Stack(
        running,
        llm,
        alice,
        bob,
        vera,
        use_case=use_case,
        playground=playground,
        blueprint=blueprint,
    )
    with psycopg.connect(embedded_url(running.data / "postgres")) as link:
        link.execute(
            "INSERT INTO accounts_membership (use_case_id, user_id, role, created_at)"
            " SELECT %s, id, 'viewer', now() FROM accounts_user WHERE email = 'vera@example.com'",
            [use_case],
        )
    return stack


@pytest.fixture
def stack(whole_stack: Stack) -> Iterator[Stack]:
    """Ready, with nothing going on, before and after the test."""
    whole_stack.running.wait_until_ready()
    whole_stack.llm.always = Behaviour()
    yield whole_stack
    whole_stack.llm.always = Behaviour()
    whole_stack.nothing_is_left()
