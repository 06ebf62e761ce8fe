"""Vector databases that tests bring into trouble, and what is stored of them."""

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.stack import Stack
from tests.visitors import Browser

# What is named after a database that has an index; `{id}` is its own.
RELATIONS = [
    "vectordb_chunk_{id}",
    "vectordb_chunk_{id}_hnsw",
    "vectordb_chunk_{id}_metadata",
    "vectordb_chunk_{id}_pkey",
    "vectordb_keywords_{id}",
    "vectordb_keywords_{id}_pkey",
]
_FIRST_OF_DOCUMENT = 1_000_000
_WORDS = ["lamp", "boat", "chalk", "vinegar", "ferry", "shelf", "parcel", "island", "counter"]

Files = Mapping[str, bytes]


def text(number: int, sentences: int = 12) -> bytes:
    """A text that no other number gives; each sentence becomes a chunk."""
    chance = random.Random(number)  # noqa: S311 - not for secrets
    lines = [f"{number}.{n} {' '.join(chance.choices(_WORDS, k=75))}." for n in range(sentences)]
    return "\n\n".join(lines).encode()


FILES = {"one.txt": text(1), "two.txt": text(2)}
LATER = {"three.txt": text(3)}


@dataclass
class Databases:
    """By name; each is in a use case and of a dataset of its own, so that nothing is taken over from
    another."""

    stack: Stack
    browser: Browser
    ids: dict[str, str] = field(default_factory=dict)
    _datasets: dict[str, str] = field(default_factory=dict)
    _use_cases: dict[str, str] = field(default_factory=dict)

    def build(self, name: str, files: Files = FILES, **more: Any) -> str:
        """Begin it; one more of this name is of the same dataset."""
        alice = self.stack.alice
        if name not in self._datasets:
            self._datasets[name] = alice.upload(dict(files))
            self._use_cases[name] = alice.make("useCases/", name=name)["id"]
        made = alice.make(
            "genai/vectorDatabases/",
            datasetId=self._datasets[name],
            useCaseId=self._use_cases[name],
            chunkingParameters={"chunkSize": 128, "chunkOverlapPercentage": 0},
            **more,
        )
        self.ids[name] = str(made["id"])
        return self.ids[name]

    def bring_in(self, name: str) -> None:
        """More documents into the one that is there."""
        assert self.browser.upload(self._datasets[name], LATER) == 200
        assert self.browser.post(f"/vector-databases/{self.ids[name]}/bring-in/") == 200

    def retry(self, name: str) -> None:
        assert self.browser.post(f"/vector-databases/{self.ids[name]}/retry/") == 200

    def blueprint(self, name: str) -> str:
        """One that uses it."""
        alice = self.stack.alice
        llm = alice.get(f"genai/llmBlueprints/{self.stack.blueprint}/")["llmId"]
        use_case = self._use_cases[name]
        playground = alice.make("genai/playgrounds/", name=name, useCaseId=use_case)["id"]
        made = alice.make(
            "genai/llmBlueprints/",
            playgroundId=playground,
            name=name,
            llmId=llm,
            vectorDatabaseId=self.ids[name],
        )
        return str(made["id"])

    def state(self, name: str) -> tuple[str, str]:
        """(status, error)."""
        [row] = self.stack.sql(
            "SELECT status, error_message FROM vectordb_vectordatabase WHERE id = %s",
            self.ids[name],
        )
        return row[0], row[1]

    def documents(self, name: str) -> list[tuple[Any, ...]]:
        """(name, status, error, chunks) in their order."""
        return self.stack.sql(
            "SELECT d.name, i.status, i.error_message, i.chunks_count FROM vectordb_ingestion i"
            " JOIN vectordb_document d ON d.id = i.document_id"
            " WHERE i.vector_database_id = %s ORDER BY i.number",
            self.ids[name],
        )

    def relations(self, name: str) -> list[str]:
        """All tables and indexes that are named after it."""
        found = self.stack.sql(
            "SELECT relname FROM pg_class WHERE relname LIKE %s", f"%{self.ids[name]}%"
        )
        return sorted(relation.replace(self.ids[name], "{id}") for (relation,) in found)

    def chunks(self, name: str) -> dict[tuple[int, str], list[tuple[Any, ...]]]:
        """(id, position, start, end, text) of all chunks by number and name of their document."""
        rows = self.stack.sql(
            "SELECT i.number, d.name, c.id, c.position, c.start_offset, c.end_offset, c.text"
            " FROM vectordb_chunk c JOIN vectordb_document d ON d.id = c.document_id"
            " JOIN vectordb_ingestion i USING (vector_database_id, document_id)"
            " WHERE c.vector_database_id = %s ORDER BY c.id",
            self.ids[name],
        )
        found = defaultdict(list)
        for number, document, *chunk in rows:
            found[number, document].append(tuple(chunk))
        return dict(found)

    def is_whole(self, name: str, files: Files = FILES) -> None:
        """It is complete, every piece of every file is in it once, and nothing else is there."""
        assert self.state(name) == ("COMPLETED", "")
        chunks = self.chunks(name)
        assert self.documents(name) == [
            (document, "COMPLETED", "", len(own)) for (_, document), own in chunks.items()
        ]
        assert [document for _, document in chunks] == list(files)
        for (number, document), own in chunks.items():
            _is_the_text_cut(own, number, files[document].decode())
        [(count, width, facts)] = self.stack.sql(
            "SELECT chunks_count, index_width, keyword_facts FROM vectordb_vectordatabase"
            " WHERE id = %s",
            self.ids[name],
        )
        assert count == facts["chunks"] == sum(map(len, chunks.values()))
        assert width is not None
        assert self.relations(name) == RELATIONS


def _is_the_text_cut(chunks: list[tuple[Any, ...]], number: int, source: str) -> None:
    first = number * _FIRST_OF_DOCUMENT
    assert [(pk, position) for pk, position, *_ in chunks] == [
        (first + position, position) for position in range(len(chunks))
    ]
    assert [source[start:end] for *_, start, end, _ in chunks] == [own for *_, own in chunks]
    assert "".join("".join(own.split()) for *_, own in chunks) == "".join(source.split())
