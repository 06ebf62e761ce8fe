"""The indexes of a partition: those of its vectors, searched as hard as recall needs, and of its
metadata."""

import logging
import math

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg import errors, sql

from vectordb.index_kinds import DENSE, USUAL, Graph, Kind, Lists, definition, lists_for
from vectordb.index_tuning import choose_width
from vectordb.models import VectorDatabase
from vectordb.partitions import table, table_name

logger = logging.getLogger(__name__)

# Past this, or with less recall, another kind of index is searched in less time, or finds more.
_WIDEST_GRAPH_SEARCH = 160
_LEAST_RECALL = 0.97

_LOCK_WAIT = "3s"
# An index takes new chunks in by itself; past this share of them it is made anew.
_GROWTH = 0.2
# Past this share, it is chosen anew how hard to search it.
_DRIFT = 0.01
# So often the lock is waited for, for an index that took minutes to make.
_SWAPS = 200

_MEGABYTE = 1 << 20
_KINDS = (Graph.name, Lists.name)


def _index(database_id: str, name: str) -> sql.Identifier:
    return sql.Identifier(f"{table_name(database_id)}_{name}")


def _new_index(database_id: str, name: str) -> sql.Identifier:
    return sql.Identifier(f"{table_name(database_id)}_{name}_new")


def _metadata_index(database_id: str) -> sql.Identifier:
    return sql.Identifier(f"{table_name(database_id)}_metadata")


def drop_index(database: VectorDatabase) -> None:
    """Back to exact scans: loading into an indexed table is a hundred times slower."""
    VectorDatabase.objects.filter(pk=database.pk).update(
        index_kind="", index_width=None, index_recall=None
    )
    names = [make(database.pk, name) for make in (_index, _new_index) for name in _KINDS]
    _drop(*names, _metadata_index(database.pk))


def _drop(*names: sql.Identifier) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.SQL(", ").join(names)))


def index(database: VectorDatabase, count: int) -> None:
    """What it takes to search so many chunks. What was there serves until the new is."""
    _drop_leftover(database)
    if count <= settings.EXACT_SCAN_LIMIT:
        drop_index(database)
        return
    changed = abs(count - (database.indexed_count or database.chunks_count))
    if database.index_width is None or changed > _GROWTH * count:
        build_index(database, count)
    elif changed > _DRIFT * count:
        tune_index(database, count)


def build_index(database: VectorDatabase, count: int) -> None:
    """Index the partition, then choose how hard to search it so that recall holds. Where a graph does
    not do, lists are made instead, and where these do not either, a denser graph. An index that is there
    serves until the next one."""
    kinds: tuple[Kind, ...] = (USUAL, lists_for(count), DENSE)
    for kind in kinds[kinds.index(_kind_of(database, count)) :]:
        if _build_tuned(database, count, kind):
            return
        logger.info("An index of %s by %s finds too little, or too slowly", database.pk, kind)


def _build_tuned(database: VectorDatabase, count: int, kind: Kind) -> bool:
    """Whether it finds enough in little enough time."""
    _build(database, count, kind)
    width, recall = _tune(database, kind, count)
    is_fast = isinstance(kind, Lists) or width <= _WIDEST_GRAPH_SEARCH
    return is_fast and recall >= _LEAST_RECALL


def _build(database: VectorDatabase, count: int, kind: Kind) -> None:
    try:
        _create_index(database, count, kind, workers=2)
    except DatabaseError:
        # A small /dev/shm has no room for what parallel workers share.
        logger.warning("Indexing %s again without parallel workers", database.pk, exc_info=True)
        _create_index(database, count, kind, workers=0)
    _swap_patiently(database, kind, kind.widths(count)[-1])


def _kind_of(database: VectorDatabase, count: int) -> Kind:
    """What the index is that is there: who needed another than the usual one will need it again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reloptions FROM pg_class WHERE oid IN (to_regclass(%s), to_regclass(%s))",
            [f"{table_name(database.pk)}_{name}" for name in _KINDS],
        )
        found = cursor.fetchone()
    if found is None:
        return USUAL
    if found[0].endswith(Lists.name):
        return lists_for(count)
    return DENSE if f"m={DENSE.m}" in (found[1] or ()) else USUAL


def tune_index(database: VectorDatabase, count: int) -> None:
    """Choose anew how hard to search the index that is there."""
    _tune(database, _kind_of(database, count), count)


def _tune(database: VectorDatabase, kind: Kind, count: int) -> tuple[int, float]:
    _index_metadata(database)  # one that was built by an older Groundwork has none
    width, recall = choose_width(database, kind, count)
    VectorDatabase.objects.filter(pk=database.pk).update(
        index_kind=kind.name, index_width=width, index_recall=recall, indexed_count=count
    )
    return width, recall


def _index_metadata(database: VectorDatabase) -> None:
    """For filters that keep little. It follows changes well enough never to be made anew."""
    statement = "CREATE INDEX IF NOT EXISTS {} ON {} USING gin (metadata jsonb_path_ops)"
    with connection.cursor() as cursor:
        names = (_metadata_index(database.pk), table(database.pk))
        cursor.execute(sql.SQL(statement).format(*names))


@transaction.atomic
def _create_index(database: VectorDatabase, count: int, kind: Kind, *, workers: int) -> None:
    needed = kind.memory(count, database.dimensions) * 1.1
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
            sql.SQL("CREATE INDEX {} ON {} {}").format(
                _new_index(database.pk, kind.name),
                table(database.pk),
                definition(kind, database.dimensions),
            )
        )


@transaction.atomic
def _drop_leftover(database: VectorDatabase) -> None:
    """An index that a killed worker did not put to use any more. Raises OperationalError when the
    table is in use for seconds, as others would have to wait behind."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_WAIT))
    _drop(*(_new_index(database.pk, name) for name in _KINDS))


def _swap_patiently(database: VectorDatabase, kind: Kind, width: int) -> None:
    """A dump of everything holds the table for minutes: the index is not made anew for that."""
    for attempt in range(_SWAPS):
        try:
            _swap_index(database, kind, width)
            return
        except OperationalError as error:
            is_busy = isinstance(error.__cause__, errors.LockNotAvailable)
            if not is_busy or attempt == _SWAPS - 1:
                raise


@transaction.atomic
def _swap_index(database: VectorDatabase, kind: Kind, width: int) -> None:
    """Put the new index to use, at this width where the old one was of another kind."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_WAIT))
        _drop(*(_index(database.pk, name) for name in _KINDS))
        names = _new_index(database.pk, kind.name), _index(database.pk, kind.name)
        cursor.execute(sql.SQL("ALTER INDEX {} RENAME TO {}").format(*names))
    same = VectorDatabase.objects.filter(pk=database.pk)
    same.exclude(index_kind=kind.name).update(index_kind=kind.name, index_width=width)
