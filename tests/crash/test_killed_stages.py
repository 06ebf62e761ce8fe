"""kill -9 of a worker that is at every stage of bringing documents in: it fills a dozen databases at
once, each is held where it shall be interrupted, and then the worker is killed."""

from contextlib import ExitStack
from dataclasses import dataclass

import psutil
import pytest

from tests.crash.conftest import parsers
from tests.crash.databases import FILES, LATER, RELATIONS, Databases, text
from tests.crash.holding import Hold
from tests.stack import Stack
from tests.visitors import Browser, wait_for

pytestmark = pytest.mark.timeout(600)

# Where each is interrupted; `{id}` is the database's.
_NEW = {
    "a file is read": "reading {id}",
    "chunks are embedded": "embedding {id}",
    "chunks are stored": "storing {id} 2",
    "chunks are taken over": "storing {id} 2",
    "the keyword table is begun": "CREATE TABLE public.vectordb_keywords_{id}_new",
    "the keyword table is filled": "ALTER TABLE public.vectordb_keywords_{id}_new",
    "the index is built": "CREATE INDEX public.vectordb_chunk_{id}_hnsw_new",
    "the index is put to use": "ALTER INDEX public.vectordb_chunk_{id}_hnsw",
    "the filter's index is built": "CREATE INDEX public.vectordb_chunk_{id}_metadata",
}
# New documents come to a database that is complete.
_IN_USE = {
    "new chunks are stored": "storing {id} 3",
    "the keyword table is replaced": "ALTER TABLE public.vectordb_keywords_{id}",
    "the index is replaced": "ALTER INDEX public.vectordb_chunk_{id}_hnsw",
}
_TAKEN_OVER = "chunks are taken over"
_LONG = "chunks are embedded"
_VERSION = "blueprints go over"
_STAGES = [*_NEW, *_IN_USE, _VERSION]

# Takes long enough to embed that its progress is told in the middle.
LONG = {"one.txt": text(4, 400), "two.txt": text(2)}


@dataclass
class Drama:
    """All of it after the worker was killed and the next one is done."""

    databases: Databases
    blueprint: str
    # What there was while everything stood still.
    in_use: dict[str, list[str]]
    readers: list[psutil.Process]


@pytest.fixture(scope="module")
def drama(held_stack: Stack, browser: Browser) -> Drama:
    stack = held_stack
    databases = Databases(stack, browser)
    for stage in (_TAKEN_OVER, _VERSION, *_IN_USE):
        databases.build(stage)
    stack.nothing_is_left()
    blueprint = databases.blueprint(_VERSION)

    with ExitStack() as held:
        with Hold(stack, "beginning"):
            for stage in _NEW:
                databases.build(stage, LONG if stage == _LONG else FILES)
            parent = databases.ids[_VERSION]
            databases.build(_VERSION, parentVectorDatabaseId=parent, updateLlmBlueprints=True)
            for stage in _IN_USE:
                databases.bring_in(stage)
            moments = [
                moment.format(id=databases.ids[stage]) for stage, moment in (_NEW | _IN_USE).items()
            ]
            hold = held.enter_context(Hold(stack, *moments, f"using {blueprint}"))
        hold.wait()
        worker = stack.process("worker")
        readers = parsers(worker)
        in_use = {stage: databases.relations(stage) for stage in _IN_USE}
        worker.kill()
    stack.nothing_is_left()
    return Drama(databases, blueprint, in_use, readers)


@pytest.mark.parametrize("stage", _STAGES)
def test_a_worker_is_killed_while(drama, stage):
    files = LONG if stage == _LONG else FILES | (LATER if stage in _IN_USE else {})
    drama.databases.is_whole(stage, files)


def test_what_is_in_use_stays_so_meanwhile(drama):
    for relations in drama.in_use.values():
        assert set(relations) >= set(RELATIONS)


def test_the_blueprint_went_over_once(drama):
    stack = drama.databases.stack
    used = stack.alice.get(f"genai/llmBlueprints/{drama.blueprint}/")["vectorDatabaseId"]
    assert used == drama.databases.ids[_VERSION]
    versions = "SELECT count(*) FROM blueprints_blueprintversion WHERE blueprint_id = %s"
    assert stack.sql(versions, drama.blueprint) == [(2,)]


def test_nothing_is_left_of_it(drama):
    stack = drama.databases.stack
    wait_for(lambda: not any(one.is_running() for one in drama.readers), "the parsers' end")
    known = {pk for (pk,) in stack.sql("SELECT id FROM vectordb_vectordatabase")}
    named = stack.sql(
        "SELECT relname, substring(relname from '[0-9a-f]{24}') FROM pg_class"
        " WHERE relname ~ '^vectordb_.*[0-9a-f]{24}'"
    )
    assert [name for name, own in named if own not in known] == []
    assert [name for name, _ in named if "new" in name] == []
    invalid = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    assert stack.sql(invalid) == []
