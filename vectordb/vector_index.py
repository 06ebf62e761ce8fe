"""The indexes of a partition: those of its vectors, searched as hard as recall needs, and of its
metadata."""

import logging
import math
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg import errors, sql

from vectordb import partitions
from vectordb.models import VectorDatabase
from vectordb.partitions import table, table_name

logger = logging.getLogger(__name__)


class _Graph(NamedTuple):
    """Of an HNSW index: links of a node (twice as many at the lowest level), and how many
    candidates for them are looked at while it is built."""

    m: int
    ef_construction: int


_USUAL, _DENSE = _Graph(16, 64), _Graph(32, 128)
# Past this, or with less recall, a denser graph takes longer to build and is searched in less time.
_WIDEST_SEARCH = 160
_LEAST_RECALL = 0.97

_LOCK_WAIT = "3s"
# An index takes new chunks in by itself; past this share of them it is made anew.
_GROWTH = 0.2
# Past this share, it is chosen anew how hard to search it.
_DRIFT = 0.01
# So often the lock is waited for, for an index that took minutes to make.
_SWAPS = 200

# Memory of a graph node besides its vector: what finds no room is indexed many times slower. Measured
# with 16 links.
_NODE_BYTES = 200
_LINK_BYTES = 33
_MEGABYTE = 1 << 20

_SAMPLE = 50
# The vector itself, which any search finds, is not counted.
_NEIGHBOURS = 11
_GOOD_RECALL = 0.99
# Questions lie farther from the stored vectors than these do from each other: where 40 sufficed for
# the sample, questions found .96, and 80 gives them all for a millisecond more.
_EF_SEARCH = (80, 160, 320, 640, 1000)


def _index(database_id: str) -> sql.Identifier:
    return sql.Identifier(f"{table_name(database_id)}_hnsw")


def _metadata_index(database_id: str) -> sql.Identifier:
    return sql.Identifier(f"{table_name(database_id)}_metadata")


def _new_index(database_id: str) -> sql.Identifier:
    return sql.Identifier(f"{table_name(database_id)}_hnsw_new")


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
    """Index the partition, then choose how hard to search it so that recall holds; where that would be
    too hard, the graph is made a denser one. An index that is there serves until the new one is."""
    graph = _graph_of(database)
    _build(database, count, graph)
    ef_search, recall = tune_index(database, count)
    if graph == _USUAL and (ef_search > _WIDEST_SEARCH or recall < _LEAST_RECALL):
        logger.info("Indexing %s again with more links", database.pk)
        _build(database, count, _DENSE)
        tune_index(database, count)


def _build(database: VectorDatabase, count: int, graph: _Graph) -> None:
    try:
        _create_index(database, count, graph, workers=2)
    except DatabaseError:
        # A small /dev/shm has no room for what parallel workers share.
        logger.warning("Indexing %s again without parallel workers", database.pk, exc_info=True)
        _create_index(database, count, graph, workers=0)
    _swap_patiently(database)


def _graph_of(database: VectorDatabase) -> _Graph:
    """What the index is that is there: who needed a denser one will need it again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reloptions FROM pg_class WHERE oid = to_regclass(%s)",
            [f"{partitions.table_name(database.pk)}_hnsw"],
        )
        found = cursor.fetchone()
    return _DENSE if found and found[0] and f"m={_DENSE.m}" in found[0] else _USUAL


def tune_index(database: VectorDatabase, count: int) -> tuple[int, float]:
    """Choose anew how hard to search the index; see `choose_ef_search`."""
    _index_metadata(database)  # one that was built by an older Groundwork has none
    ef_search, recall = choose_ef_search(database)
    VectorDatabase.objects.filter(pk=database.pk).update(
        ef_search=ef_search, index_recall=recall, indexed_count=count
    )
    return ef_search, recall


def _index_metadata(database: VectorDatabase) -> None:
    """For filters that keep little. It follows changes well enough never to be made anew."""
    statement = "CREATE INDEX IF NOT EXISTS {} ON {} USING gin (metadata jsonb_path_ops)"
    with connection.cursor() as cursor:
        names = (_metadata_index(database.pk), table(database.pk))
        cursor.execute(sql.SQL(statement).format(*names))


@transaction.atomic
def _create_index(database: VectorDatabase, count: int, graph: _Graph, *, workers: int) -> None:
    node = 2 * database.dimensions + _NODE_BYTES + graph.m * _LINK_BYTES
    needed = count * node * 1.1
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
                " WITH (m = {}, ef_construction = {})"
            ).format(
                _new_index(database.pk),
                table(database.pk),
                *map(sql.Literal, (database.dimensions, *graph)),
            )
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
