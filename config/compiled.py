"""Queries that are turned into SQL once, for the way of a question to its answer, and for long
lists of both.

The ORM makes the SQL of a query anew each time, which takes it longer than PostgreSQL needs to
answer. A `Compiled` query is written with the ORM all the same, and gives the same objects:

    _LLM = Compiled(lambda: LLM.objects.select_related("endpoint").filter(pk=given("id")))
    llm = _LLM.first(id="openai/gpt-5")
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from json import JSONDecoder
from typing import Any, Generic, TypeVar, cast

from django.db import connection, models
from django.db.models.base import ModelState
from django.db.models.expressions import Value
from django.db.models.query import get_related_populators

# The types are of another version of Django.
_related_populators = cast("Callable[..., list[Any]]", get_related_populators)

M = TypeVar("M", bound=models.Model)

_SQL = tuple[str, tuple[Any, ...]]
_ReadColumn = Callable[[Sequence[Any]], Sequence[Any]]

_decode = JSONDecoder().raw_decode


def given(name: str) -> Any:
    """Stands in a compiled query for what each call gives under this name."""
    return _Given(name)


def among(name: str) -> Any:
    """Likewise for a list of texts: `filter(pk__in=among("ids"))`."""
    return _Given(name, "(SELECT unnest(%s::text[]))")


class _Given(Value):
    def __init__(self, name: str, sql: str = "%s") -> None:
        super().__init__(name)
        self._sql = sql

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return self._sql, [self]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the ORM found out about a query: its SQL, and which columns make which objects."""

    sql: str
    parameters: tuple[Any, ...]
    model: Any
    attributes: list[str]
    first: int
    last: int
    related: list[Any]
    annotations: list[tuple[str, int]]
    readers: list[tuple[int, _ReadColumn]]


class Compiled(Generic[M]):
    """A queryset with places for values. Every call must give all of them, keys as they are stored."""

    def __init__(self, build: Callable[[], models.QuerySet[M]]) -> None:
        self._build = build

    def first(self, **given: Any) -> M | None:
        """The first object in the query's order, or None."""
        return next(self._objects(self._first, given), None)

    def all(self, **given: Any) -> list[M]:
        """All objects in the query's order."""
        return list(self._objects(self._all, given))

    def page(self, start: int, end: int, **given: Any) -> tuple[list[str], int]:
        """The primary keys of `all()[start:end]`, which must be texts, and how many `all()` are."""
        sql, parameters = self._page
        rows = _rows(sql, parameters, given | {"_start": start, "_limit": end - start})
        return rows[0] if rows else ([], 0)

    def _objects(self, plan: _Plan, given: dict[str, Any]) -> Iterator[M]:
        rows = _rows(plan.sql, plan.parameters, given)
        # Column by column, as there are many rows of the same few kinds of columns.
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for position, read in plan.readers if rows else ():
            columns[position] = read(columns[position])
        alias = connection.alias
        for row in zip(*columns, strict=True):
            yield _object(plan, row, alias)

    @cached_property
    def _first(self) -> _Plan:
        return _planned(self._build()[:1])

    @cached_property
    def _all(self) -> _Plan:
        return _planned(self._build())

    @cached_property
    def _page(self) -> _SQL:
        keys, of_keys = _sql(self._build().values_list("pk"))
        counted, of_counted = _sql(self._build().order_by().values_list("pk"))
        cut = (given("_limit"), given("_start"))
        sql = (
            f"SELECT ARRAY({keys} LIMIT %s OFFSET %s), "  # noqa: S608 - it is the ORM's
            f"(SELECT COUNT(*) FROM ({counted}) found)"
        )
        return sql, (*of_keys, *cut, *of_counted)


def _sql(rows: models.QuerySet[Any, Any]) -> _SQL:
    sql, parameters = rows.query.get_compiler(connection=connection).as_sql()
    return sql, tuple(parameters)


def _rows(sql: str, parameters: tuple[Any, ...], given: dict[str, Any]) -> list[tuple[Any, ...]]:
    if not all(map(_is_storable, given.values())):
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, [given[p.value] if isinstance(p, _Given) else p for p in parameters])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _planned(rows: models.QuerySet[Any]) -> _Plan:
    # Django has no public name for these; they are what its own iteration over objects uses.
    compiler: Any = rows.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    klass = compiler.klass_info
    fields = klass["select_fields"]
    first, last = fields[0], fields[-1] + 1
    converters = compiler.get_converters([column for column, *_ in compiler.select])
    return _Plan(
        sql=sql,
        parameters=tuple(parameters),
        model=klass["model"],
        attributes=[column.target.attname for column, *_ in compiler.select[first:last]],
        first=first,
        last=last,
        related=_related_populators(klass, compiler.select, connection.alias),
        annotations=list((compiler.annotation_col_map or {}).items()),
        readers=[(at, _reader(*found)) for at, found in converters.items()],
    )


def _reader(converters: list[Any], column: Any) -> _ReadColumn:
    field = column.output_field
    if type(field) is models.JSONField and field.decoder is None:
        return _read_json
    return partial(_convert, converters, column)


def _read_json(texts: Sequence[Any]) -> Sequence[Any]:
    """What Django's field makes of them, without its steps for what PostgreSQL never sends."""
    return [None if text is None else _decode(text)[0] for text in texts]


def _convert(converters: list[Any], column: Any, values: Sequence[Any]) -> Sequence[Any]:
    for convert in converters:
        values = [convert(value, column, connection) for value in values]
    return values


def _is_storable(value: Any) -> bool:
    """False for texts that PostgreSQL cannot hold, and which therefore nothing there equals."""
    if not isinstance(value, str):
        return True
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _object(plan: _Plan, row: tuple[Any, ...], alias: str) -> Any:
    # What `from_db` does, without a look at each field for what a caller might have left out.
    made = plan.model.__new__(plan.model)
    made.__dict__.update(zip(plan.attributes, row[plan.first : plan.last], strict=True))
    made._state = ModelState()
    made._state.db, made._state.adding = alias, False
    for populator in plan.related:
        populator.populate(row, made)
    for name, position in plan.annotations:
        setattr(made, name, row[position])
    return cast("Any", made)
