"""What goes on in a running Groundwork when something in it is killed."""

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException

import psutil
import psycopg
import pytest

from tests.crash.holding import prepare
from tests.stack import Stack, launched, words
from tests.visitors import Browser, Person, Watcher, wait_for

TEXT = words(60)
DOCUMENTS = 6
_SENTENCES = 240
_SYLLABLES = [
    "ka",
    "lo",
    "mi",
    "ren",
    "tu",
    "vas",
    "del",
    "ori",
    "pan",
    "quez",
    "sil",
    "tor",
    "une",
    "wex",
    "yal",
    "zid",
]


def document(number: int) -> bytes:
    """A text that no other number gives."""
    chance = random.Random(number)  # noqa: S311 - not for secrets

    def word() -> str:
        return "".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4)))

    lines = [" ".join(word() for _ in range(12)) + "." for _ in range(_SENTENCES)]
    return f"# Document {number}\n\n{' '.join(lines)}\n".encode()


@dataclass(frozen=True)
class Ingested:
    """What is stored of a vector database: (name, status, chunks) and (name, id, position, text)."""

    status: str
    documents: list[tuple[str, str, int]]
    chunks: list[tuple[str, int, int, str]]


class Ingestion:
    """The same documents brought into a vector database of a use case of their own, so that nothing
    is copied from an earlier time."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._dataset = stack.alice.upload({f"doc{n}.md": document(n) for n in range(DOCUMENTS)})
        self.id = ""

    def begin(self) -> None:
        alice = self._stack.alice
        use_case = alice.make("useCases/", name="Documents")["id"]
        chunking = {"chunkSize": 128}
        made = alice.make(
            "genai/vectorDatabases/",
            datasetId=self._dataset,
            useCaseId=use_case,
            chunkingParameters=chunking,
        )
        self.id = str(made["id"])

    def wait_for_the_middle(self) -> None:
        """Return when the first document is done and others are worked on."""
        wait_for(self.is_in_the_middle, "the middle of an ingestion")

    def is_in_the_middle(self) -> bool:
        [(done, running)] = self._stack.sql(
            "SELECT count(*) FILTER (WHERE status = 'COMPLETED'),"
            " count(*) FILTER (WHERE status = 'RUNNING')"
            " FROM vectordb_ingestion WHERE vector_database_id = %s",
            self.id,
        )
        return bool(done >= 1 and running >= 1)

    def result(self) -> Ingested:
        """What there is once it is finished."""
        status = wait_for(self._end, f"the end of {self.id}")
        documents = self._stack.sql(
            "SELECT d.name, i.status, i.chunks_count FROM vectordb_ingestion i"
            " JOIN vectordb_document d ON d.id = i.document_id"
            " WHERE i.vector_database_id = %s ORDER BY d.name",
            self.id,
        )
        chunks = self._stack.sql(
            "SELECT d.name, c.id, c.position, c.text FROM vectordb_chunk c"
            " JOIN vectordb_document d ON d.id = c.document_id"
            " WHERE c.vector_database_id = %s ORDER BY c.id",
            self.id,
        )
        return Ingested(status, documents, chunks)

    def _end(self) -> str | None:
        try:
            [(status,)] = self._stack.sql(
                "SELECT status FROM vectordb_vectordatabase WHERE id = %s", self.id
            )
        except psycopg.OperationalError:
            return None
        return None if status in {"NEW", "RUNNING"} else str(status)


class Asker:
    """Keeps asking, each question in a chat of its own; remembers what was acknowledged."""

    def __init__(self, person: Person, chats: list[str]) -> None:
        self._person = person
        self._chats = chats
        self._stopped = threading.Event()
        self.acknowledged: list[str] = []

    def __enter__(self) -> "Asker":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(60)

    def _run(self) -> None:
        waiting = list(self._chats)
        while waiting and not self._stopped.wait(0.1):
            body = {"chatId": waiting[-1], "text": "Are you there?"}
            try:
                answer = self._person.send("POST", "/api/v2/genai/chatPrompts/", body)
            except (OSError, HTTPException):
                continue  # nobody is there: however long that lasts, this chat is asked again
            waiting.pop()
            if answer.status == 202:
                self.acknowledged.append(answer.json()["id"])


@dataclass
class Work:
    """An answer that is being written and watched, and documents that are brought in."""

    stack: Stack
    chat: str
    prompt: str
    watcher: Watcher
    ingestion: Ingestion
    undisturbed: Ingested

    def is_finished_as_if_nothing_had_happened(self, *, attempts: set[int]) -> None:
        status, text, attempt = self.stack.finished(self.prompt)
        assert (status, text) == ("COMPLETED", TEXT)
        assert attempt in attempts
        assert self.watcher.wait_for_end(self.prompt) == "COMPLETED"
        assert self.watcher.trouble == []
        assert self.watcher.texts[self.prompt] == TEXT
        assert self.ingestion.result() == self.undisturbed
        self.stack.running.wait_until_ready()
        after = self.stack.alice.ask(self.chat, "And now?")
        assert self.stack.finished(after) == ("COMPLETED", TEXT, 1)
        self.stack.nothing_is_left()
        logs = "SELECT count(*) FROM tracing_log l JOIN playground_chatprompt p ON p.log_id = l.id"
        assert self.stack.sql(f"{logs} WHERE p.chat_id = %s", self.chat) == [(2,)]


@pytest.fixture(scope="session")
def undisturbed(whole_stack: Stack) -> Ingested:
    """How the documents look when nothing is killed."""
    ingestion = Ingestion(whole_stack)
    ingestion.begin()
    result = ingestion.result()
    assert result.status == "COMPLETED"
    assert [status for _, status, _ in result.documents] == ["COMPLETED"] * DOCUMENTS
    assert len(result.chunks) == sum(count for _, _, count in result.documents)
    return result


@pytest.fixture
def work(request, stack, undisturbed):
    """In the middle of both. The parameter is the answer's pace."""
    stack.answers_with(TEXT, interval_ms=getattr(request, "param", 50))
    chat = stack.chat()
    ingestion = Ingestion(stack)
    with stack.watch(chat) as watcher:
        ingestion.begin()
        ingestion.wait_for_the_middle()
        prompt = stack.alice.ask(chat)
        stack.in_mid_answer(prompt)
        assert ingestion.is_in_the_middle()
        stack.answers_with(TEXT, interval_ms=50)
        yield Work(stack, chat, prompt, watcher, ingestion, undisturbed)


@pytest.fixture(scope="session")
def held_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """It brings many documents in at once, stands still where a test holds it, and gives small
    databases an index too. One for the whole run."""
    settings = {
        "GROUNDWORK_INGEST_CONCURRENCY": "16",
        "GROUNDWORK_POOL_SIZE": "40",
        "GROUNDWORK_EXACT_SCAN_LIMIT": "20",
    }
    with launched(tmp_path_factory.mktemp("held") / "data", **settings) as stack:
        prepare(stack)
        yield stack


@pytest.fixture(scope="session")
def browser(held_stack: Stack) -> Browser:
    return Browser(held_stack.running, held_stack.running.email)


def parsers(worker: psutil.Process) -> list[psutil.Process]:
    """The worker's children that read documents."""
    return [one for one in worker.children() if "vectordb.parsing.reader" in one.cmdline()]
