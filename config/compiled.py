"""Queries that are turned into SQL once, for the way of a question to its answer.

The ORM makes the SQL of a query anew each time, which takes it longer than PostgreSQL needs to
answer. A `Compiled` query is written with the ORM all the same, and gives the same objects:

    _LLM = Compiled(lambda: LLM.objects.select_related("endpoint").filter(pk=given("id")))
    llm = _LLM.first(id="openai/gpt-5")
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from django.db import connection, models
from django.db.models.expressions import Value
from django.db.models.query import get_related_populators

# The types are of another version of Django.
_related_populators = cast("Callable[..., list[Any]]", get_related_populators)

M = TypeVar("M", bound=models.Model)


def given(name: str) -> Any:
    """Stands in a compiled query for what each call gives under this name."""
    return _Given(name)


class _Given(Value):
    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


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
    converters: list[tuple[int, list[Any], Any]]


class Compiled(Generic[M]):
    """A queryset with places for values. Every call must give all of them."""

    def __init__(self, build: Callable[[], models.QuerySet[M]]) -> None:
        self._build = build

    def first(self, **given: Any) -> M | None:
        """The first object in the query's order, or None; keys are given as they are stored."""
        return next(self._objects(given), None)

    def _objects(self, given: dict[str, Any]) -> Iterator[M]:
        if not all(map(_is_storable, given.values())):
            return
        plan = self._plan
        parameters = [given[p.value] if isinstance(p, _Given) else p for p in plan.parameters]
        with connection.cursor() as cursor:
            cursor.execute(plan.sql, parameters)
            rows = cursor.fetchall()
        for row in rows:
            yield _object(plan, list(row))

    @cached_property
    def _plan(self) -> _Plan:
        query = self._build()[:1].query
        # Django has no public name for these; they are what its own iteration over objects uses.
        compiler: Any = query.get_compiler(connection=connection)
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
            converters=[(at, found, column) for at, (found, column) in converters.items()],
        )


def _is_storable(value: Any) -> bool:
    """False for texts that PostgreSQL cannot hold, and which therefore nothing there equals."""
    if not isinstance(value, str):
        return True
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _object(plan: _Plan, row: list[Any]) -> Any:
    for position, converters, column in plan.converters:
        for convert in converters:
            row[position] = convert(row[position], column, connection)
    made = plan.model.from_db(connection.alias, plan.attributes, row[plan.first : plan.last])
    for populator in plan.related:
        populator.populate(row, made)
    for name, position in plan.annotations:
        setattr(made, name, row[position])
    return cast("Any", made)
