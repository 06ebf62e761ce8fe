"""What keyword search looks up: of each term of a vector database, the chunks that it is in.

One table for each database, made anew when its chunks changed. A row holds the postings of one term
in one run of chunks, which is called by the id of its first: see `postings`.

Up to 16 chunks of a document that follow on each other are a section: what a chunk's surroundings
say counts for it too.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Max
from psycopg import errors, sql

from config.status import Status
from vectordb import partitions
from vectordb.lexing import terms
from vectordb.models import VectorDatabase
from vectordb.postings import Run, Section

_ROWS_AT_ONCE = 1_000
# Languages that fewer chunks are in than this share are taken for mistakes.
_SMALLEST_SHARE = 0.02

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
# A dump of everything holds its locks for minutes.
_SWAPS = 300

# Postings are read whole and are dense already: no compression.
_CREATE = """
DROP TABLE IF EXISTS {table};
CREATE TABLE {table} (
    term text COLLATE "C" NOT NULL,
    first_id bigint NOT NULL,
    postings bytea STORAGE EXTERNAL NOT NULL
)
"""


def table_name(database_id: str) -> str:
    return f"vectordb_keywords_{partitions.checked(database_id)}"


def table(database_id: str) -> sql.Identifier:
    return sql.Identifier(table_name(database_id))


def _new_table(database_id: str) -> sql.Identifier:
    return sql.Identifier(f"{table_name(database_id)}_new")


def size(database_id: str) -> int:
    """Bytes on disk."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(pg_total_relation_size(to_regclass(%s)), 0)", [table_name(database_id)]
        )
        return int(cursor.fetchone()[0])


@transaction.atomic
def drop(database_id: str) -> None:
    """Drop what there is, also what a build that was killed left over. Raises OperationalError when
    it is in use for seconds."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_TIMEOUT)
        for name in (table(database_id), _new_table(database_id)):
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))


def bring_up_to_date(database: VectorDatabase, check: Callable[[], None]) -> None:
    """Index all chunks of the database anew, when documents came or chunks were edited since that
    was done last.

    `check` is called between any two chunks; what it raises ends the build, and the index before
    stays. Chunks that are gone need no build: a search leaves them out.
    """
    done = database.ingestions.filter(status=Status.COMPLETED)
    came = done.aggregate(latest=Max("finished_at"))["latest"]
    latest = max(filter(None, (came, database.edited_at)), default=None)
    until = latest and latest.isoformat()
    if until is not None and until > (database.keyword_facts or {}).get("until", ""):
        build(database, until, check)
    else:
        _drop_leftover(_new_table(database.pk))  # of a build that was killed


def build(database: VectorDatabase, until: str, check: Callable[[], None]) -> None:
    """Index all chunks as they are; `until` is when the last of them came, or was edited."""
    new = _new_table(database.pk)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(_CREATE).format(table=new))
    try:
        seen = _fill(new, database.pk, check)
        _swap_patiently(database, seen.facts() | {"until": until}, check)
    except BaseException:
        _drop_leftover(new)
        raise


def _drop_leftover(new: sql.Identifier) -> None:
    """It takes room, which may be what there was too little of. Where the connection is lost, the
    next build drops it."""
    if connection.is_usable():
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(new))


def _fill(new: sql.Identifier, database_id: str, check: Callable[[], None]) -> "_Seen":
    seen, run = _Seen(), Run()
    for section in _sections(database_id, check):
        seen.add(section)
        if run.is_full_for(section):
            _write(new, run)
            run = Run()
        run.add(section)
    _write(new, run)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (term, first_id)").format(new))
        cursor.execute(sql.SQL("ANALYZE {}").format(new))
    return seen


def _swap_patiently(
    database: VectorDatabase, facts: dict[str, Any], check: Callable[[], None]
) -> None:
    """Whoever waits for a table makes all others wait behind it: try for a moment, now and then."""
    for attempt in range(_SWAPS):
        check()
        try:
            _swap(database, facts)
            return
        except OperationalError as error:
            is_busy = isinstance(error.__cause__, errors.LockNotAvailable)
            if not is_busy or attempt == _SWAPS - 1:
                raise


@transaction.atomic
def _swap(database: VectorDatabase, facts: dict[str, Any]) -> None:
    if not VectorDatabase.objects.select_for_update().filter(pk=database.pk).exists():
        drop(database.pk)
        return
    now, new = table_name(database.pk), f"{table_name(database.pk)}_new"
    statements = (
        ("DROP TABLE IF EXISTS {}", [now]),
        ("ALTER TABLE {} RENAME TO {}", [new, now]),
        ("ALTER INDEX {} RENAME TO {}", [f"{new}_pkey", f"{now}_pkey"]),
    )
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_TIMEOUT)
        for statement, names in statements:
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
    VectorDatabase.objects.filter(pk=database.pk).update(keyword_facts=facts)


@dataclass
class _Seen:
    """What there is of all chunks."""

    chunks: int = 0
    sections: int = 0
    terms: int = 0
    languages: Counter[str] = field(default_factory=Counter)

    def add(self, section: Section) -> None:
        self.chunks += len(section.chunks)
        self.sections += 1
        self.terms += section.length
        self.languages.update(section.languages)

    def facts(self) -> dict[str, Any]:
        fewest = _SMALLEST_SHARE * self.chunks
        found = self.languages.most_common()
        return {
            "chunks": self.chunks,
            "sections": self.sections,
            "terms": self.terms,
            "languages": [code for code, count in found if code and count >= fewest],
        }


def _sections(database_id: str, check: Callable[[], None]) -> Iterator[Section]:
    section = Section()
    for chunk_id, language, text in _chunks(database_id):
        check()
        if section.chunks and not section.goes_on_with(chunk_id):
            yield section
            section = Section()
        found = terms(text, language)
        section.chunks.append((chunk_id, Counter(found), len(found)))
        section.languages.append(language)
    if section.chunks:
        yield section


def _chunks(database_id: str) -> Iterator[tuple[int, str, str]]:
    """(id, language, text) of all chunks by id. No transaction is held open in between."""
    statement = sql.SQL(
        "SELECT id, language, text FROM {} WHERE {} AND id > %s ORDER BY id LIMIT %s"
    ).format(partitions.table(database_id), partitions.belongs_to(database_id))
    last = -1
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, [last, _ROWS_AT_ONCE])
            rows: list[tuple[int, str, str]] = cursor.fetchall()
        if not rows:
            return
        yield from rows
        last = rows[-1][0]


def _write(target: sql.Identifier, run: Run) -> None:
    if not run.first_ids:
        return
    first_id = run.first_ids[0]
    with connection.cursor() as cursor, connection.wrap_database_errors:
        statement = sql.SQL("COPY {} (term, first_id, postings) FROM STDIN (FORMAT BINARY)")
        with cursor.copy(statement.format(target)) as copy:
            copy.set_types(("text", "int8", "bytea"))
            for term, postings in run.rows():
                copy.write_row((term, first_id, postings))
