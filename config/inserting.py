"""New rows by SQL that is made once for each table, where many are written one after the other."""

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import groupby
from typing import Any

from django.db import connection, models


def insert(*objects: models.Model) -> None:
    """Write these objects, whose keys are known, in one statement. As `save(force_insert=True)`, but
    without signals. Objects of one kind should follow on each other."""
    kinds = [(kind, len(list(same))) for kind, same in groupby(map(type, objects))]
    *before, last = [_sql(kind, count) for kind, count in kinds]
    others = ", ".join(f"rows_{number} AS ({sql})" for number, sql in enumerate(before))
    sql = f"WITH {others} {last}" if before else last
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for one in objects for value in _values(one)])
    for one in objects:
        one._state.adding, one._state.db = False, connection.alias


@cache
def _fields(model: type[models.Model]) -> Sequence[Any]:
    return model._meta.local_concrete_fields


@lru_cache(maxsize=100)
def _sql(model: type[models.Model], count: int) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in _fields(model))
    row = f"({', '.join(['%s'] * len(_fields(model)))})"
    rows = ", ".join([row] * count)
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES {rows}"  # noqa: S608


def _values(made: models.Model) -> list[Any]:
    return [
        field.get_db_prep_save(field.pre_save(made, True), connection=connection)
        for field in _fields(type(made))
    ]
