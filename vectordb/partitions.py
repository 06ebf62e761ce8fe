"""The partition of each vector database: made, indexed, measured and dropped. All of it is DDL."""

import logging
import math
import re

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg import errors, sql

from vectordb.models import VectorDatabase

logger = logging.getLogger(__name__)

_PARENT = "vectordb_chunk"
_LOCK_WAIT = "3s"
# An index takes new chunks in by itself; past this share of them it is made anew.
_GROWTH = 0.2
# Past this share, it is chosen anew how hard to search it.
_DRIFT = 0.01
# So often the lock is waited for, for an index that took minutes to make.
_SWAPS = 200

# A row's text goes out of line (the vector alone exceeds the target), so that a scan of the vectors
# reads little else; the metadata stay with them, for filters.
_CREATE = """
CREATE TABLE {table} (LIKE {parent} INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING INDEXES)
    WITH (toast_tuple_target = 128);
ALTER TABLE {table} ALTER COLUMN metadata SET STORAGE MAIN;
ALTER TABLE {table} ADD CONSTRAINT {dimensions_check} CHECK (vector_dims(embedding) = {dimensions});
ALTER TABLE {table} ADD CONSTRAINT {id_check} CHECK (vector_database_id = {id});
ALTER TABLE {parent} ATTACH PARTITION {table} FOR VALUES IN ({id});
"""

# Memory of a graph node besides its vector, measured: what finds no room is indexed many times slower.
_NODE_BYTES = 730
_MEGABYTE = 1 << 20

_SAMPLE = 50
# The vector itself, which any search finds, is not counted.
_NEIGHBOURS = 11
_GOOD_RECALL = 0.99
# Questions lie farther from the stored vectors than these do from each other: where 40 sufficed for
# the sample, questions found .96, and 80 gives them all for a millisecond more.
_EF_SEARCH = (80, 160, 320, 640, 1000)


def checked(database_id: str) -> str:
    """Raise ValueError for what must not be part of a table's name."""
    if not re.fullmatch("[0-9a-f]{24}", database_id):
        raise ValueError(f"{database_id!r} is no id")
    return database_id


def table_name(database_id: str) -> str:
    return f"{_PARENT}_{checked(database_id)}"


def table(database_id: str) -> sql.Identifier:
    return sql.Identifier(table_name(database_id))


def belongs_to(database_id: str) -> sql.Composed:
    """A condition that all rows of the partition satisfy. Ids are looked up with it: the primary key
    begins there, and without it the whole partition would be read for them."""
    return sql.SQL("vector_database_id = {}").format(sql.Literal(checked(database_id)))


def _index(database_id: str) -> sql.Identifier:
    return sql.Identifier(f"{table_name(database_id)}_hnsw")


def _metadata_index(database_id: str) -> sql.Identifier:
    return sql.Identifier(f"{table_name(database_id)}_metadata")


def _new_index(database_id: str) -> sql.Identifier:
    return sql.Identifier(f"{table_name(database_id)}_hnsw_new")


def exists(database_id: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table_name(database_id)])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def create(database: VectorDatabase) -> bool:
    """Make the partition if it is missing. False when the database was deleted meanwhile.

    Attaching needs no lock that would stop those who read or fill other partitions.
    """
    locked = VectorDatabase.objects.select_for_update().filter(pk=database.pk)
    if not locked.exists():
        return False
    if not exists(database.pk):
        name = table_name(database.pk)
        statement = sql.SQL(_CREATE).format(
            table=table(database.pk),
            parent=sql.Identifier(_PARENT),
            id=sql.Literal(database.pk),
            dimensions=sql.Literal(database.dimensions),
            dimensions_check=sql.Identifier(f"{name}_dimensions"),
            id_check=sql.Identifier(f"{name}_database"),
        )
        with connection.cursor() as cursor:
            cursor.execute(statement)
    return True


@transaction.atomic
def drop(database_id: str) -> None:
    """Drop the partition if there is one. Raises OperationalError when it is in use for seconds."""
    with connection.cursor() as cursor:
        # The parent is locked for a moment: never make others queue behind a wait.
        cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_WAIT))
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table(database_id)))


def measure(database_id: str) -> tuple[int, int]:
    """How many chunks there are, and how many bytes they take on disk."""
    name = table_name(database_id)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT count(*), pg_total_relation_size({}) FROM {}").format(
                name, table(database_id)
            )
        )
        count, size = cursor.fetchone()
    return int(count), int(size)


def analyze(database_id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("ANALYZE {}").format(table(database_id)))


def drop_index(database: VectorDatabase) -> None:
    """Back to exact scans: loading into an indexed table is a hundred times slower."""
    VectorDatabase.objects.filter(pk=database.pk).update(ef_search=None, index_recall=None)
    with connection.cursor() as cursor:
        for name in (_index, _new_index, _metadata_index):
            cursor.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(name(database.pk)))


def index(database: VectorDatabase, count: int) -> None:
    """What it takes to search so many chunks. What was there serves until the new is."""
    _drop_leftover(database)
    if count <= settings.EXACT_SCAN_LIMIT:
        drop_index(database)
        return
    changed = abs(count - (database.indexed_count or database.chunks_count))
    if database.ef_search is None or changed > _GROWTH * count:
        build_index(database, count)
    elif changed > _DRIFT * count:
        tune_index(database, count)


def build_index(database: VectorDatabase, count: int) -> None:
    """Index the partition, then choose how hard to search it so that recall holds. An index that is
    there serves until the new one is."""
    try:
        _create_index(database, count, workers=2)
    except DatabaseError:
        # A small /dev/shm has no room for what parallel workers share.
        logger.warning("Indexing %s again without parallel workers", database.pk, exc_info=True)
        _create_index(database, count, workers=0)
    _swap_patiently(database)
    tune_index(database, count)


def tune_index(database: VectorDatabase, count: int) -> None:
    """Choose anew how hard to search the index."""
    _index_metadata(database)  # one that was built by an older Groundwork has none
    ef_search, recall = choose_ef_search(database)
    VectorDatabase.objects.filter(pk=database.pk).update(
        ef_search=ef_search, index_recall=recall, indexed_count=count
    )


def _index_metadata(database: VectorDatabase) -> None:
    """For filters that keep little. It follows changes well enough never to be made anew."""
    statement = "CREATE INDEX IF NOT EXISTS {} ON {} USING gin (metadata jsonb_path_ops)"
    with connection.cursor() as cursor:
        names = (_metadata_index(database.pk), table(database.pk))
        cursor.execute(sql.SQL(statement).format(*names))


@transaction.atomic
def _create_index(database: VectorDatabase, count: int, *, workers: int) -> None:
    needed = count * (2 * database.dimensions + _NODE_BYTES) * 1.1
    with connection.cursor() as cursor:
        # What the server was given for its buffers tells how large it is.
        cursor.execute(
            "SELECT setting::bigint * 8 / 1024 FROM pg_settings WHERE name = 'shared_buffers'"
        )
        most = max(1024, cursor.fetchone()[0])
        megabytes = min(most, max(64, math.ceil(needed / _MEGABYTE)))
        cursor.execute(sql.SQL("SET LOCAL maintenance_work_mem = {}").format(f"{megabytes}MB"))
        cursor.execute(sql.SQL("SET LOCAL max_parallel_maintenance_workers = {}").format(workers))
        cursor.execute(
            sql.SQL(
                "CREATE INDEX {} ON {} USING hnsw ((embedding::halfvec({})) halfvec_cosine_ops)"
            ).format(_new_index(database.pk), table(database.pk), sql.Literal(database.dimensions))
        )


@transaction.atomic
def _drop_leftover(database: VectorDatabase) -> None:
    """An index that a killed worker did not put to use any more. Raises OperationalError when the
    table is in use for seconds, as others would have to wait behind."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_WAIT))
        cursor.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(_new_index(database.pk)))


def _swap_patiently(database: VectorDatabase) -> None:
    """A dump of everything holds the table for minutes: the index is not made anew for that."""
    for attempt in range(_SWAPS):
        try:
            _swap_index(database)
            return
        except OperationalError as error:
            is_busy = isinstance(error.__cause__, errors.LockNotAvailable)
            if not is_busy or attempt == _SWAPS - 1:
                raise


@transaction.atomic
def _swap_index(database: VectorDatabase) -> None:
    new, index = _new_index(database.pk), _index(database.pk)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_WAIT))
        cursor.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(index))
        cursor.execute(sql.SQL("ALTER INDEX {} RENAME TO {}").format(new, index))


def choose_ef_search(database: VectorDatabase) -> tuple[int, float]:
    """The smallest ef_search at which stored vectors find the same neighbours as an exact scan, and
    what share of them they find, 0 to 1."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT id, embedding::text FROM {table} WHERE id IN"
                " (SELECT id FROM {table} ORDER BY random() LIMIT {limit})"
            ).format(table=table(database.pk), limit=sql.Literal(_SAMPLE))
        )
        sample = cursor.fetchall()
    exact = [_exact_neighbours(database, vector) for _, vector in sample]
    best, best_recall = _EF_SEARCH[0], -1.0
    for ef_search in _EF_SEARCH:
        found = [indexed_neighbours(database, vector, ef_search) for _, vector in sample]
        hits = sum(len(a & b) - 1 for a, b in zip(exact, found, strict=True))
        recall = hits / max(1, sum(len(neighbours) - 1 for neighbours in exact))
        logger.info("Recall of %s at ef_search %s: %.3f", database.pk, ef_search, recall)
        if recall > best_recall:
            best, best_recall = ef_search, recall
        if recall >= _GOOD_RECALL:
            break
    return best, best_recall


def _exact_neighbours(database: VectorDatabase, vector: str) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT id FROM {} ORDER BY (embedding <=> {}::halfvec) + 0, id LIMIT {}"
            ).format(table(database.pk), vector, sql.Literal(_NEIGHBOURS))
        )
        return {row[0] for row in cursor.fetchall()}


@transaction.atomic
def indexed_neighbours(database: VectorDatabase, vector: str, ef_search: int) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL hnsw.ef_search = {}").format(sql.Literal(ef_search)))
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            sql.SQL(
                "SELECT id FROM {table} ORDER BY embedding::halfvec({n}) <=> {vector}::halfvec({n})"
                " LIMIT {limit}"
            ).format(
                table=table(database.pk),
                n=sql.Literal(database.dimensions),
                vector=vector,
                limit=sql.Literal(_NEIGHBOURS),
            )
        )
        return {row[0] for row in cursor.fetchall()}
