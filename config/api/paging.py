"""Lists: a page of records, how many there are, and absolute links to the pages beside it."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.case import CamelSerializer
from config.api.fields import QueryInt
from config.compiled import Compiled

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
_FAR = 500

M = TypeVar("M", bound=Model)


class ListQuery(CamelSerializer):
    """What every list takes; subclasses add their filters."""

    offset = QueryInt(min_value=0, default=0, help_text="Records to skip.")
    limit = QueryInt(
        min_value=1,
        default=DEFAULT_LIMIT,
        help_text=f"Records on a page; above {MAX_LIMIT:,} it is {MAX_LIMIT:,}.",
    )


def page(
    request: Request,
    query: dict[str, Any],
    rows: QuerySet[M],
    render: Callable[[list[M]], Any],
) -> Response:
    """One page of `rows`, which must be in a total order. Two queries, three far from the start, and
    `rows`' prefetches."""
    start, end = _bounds(query)
    return _page(request, query, render(list(_cut(rows, start, end))), rows.count())


def page_of(
    request: Request,
    query: dict[str, Any],
    rows: Compiled[Any],
    render: Callable[[list[str]], Any],
    **given: Any,
) -> Response:
    """The same where `render` gets the records itself, by their keys and in the order of these. One
    query beside its own."""
    keys, total = rows.page(*_bounds(query), **given)
    return _page(request, query, render(keys), total)


def _bounds(query: dict[str, Any]) -> tuple[int, int]:
    return query["offset"], query["offset"] + min(query["limit"], MAX_LIMIT)


def _page(request: Request, query: dict[str, Any], data: Any, total: int) -> Response:
    offset, following = _bounds(query)
    limit = following - offset
    earlier = max(0, offset - limit)
    return Response(
        {
            "count": len(data),
            "data": data,
            "next": _link(request, following, limit) if following < total else None,
            "previous": _link(request, earlier, limit) if offset > 0 else None,
            "totalCount": total,
        }
    )


def _cut(rows: QuerySet[M], start: int, end: int) -> QuerySet[M]:
    """What is skipped is skipped in an index, not read with all its columns."""
    if start < _FAR:
        return rows[start:end]
    ids = rows.values_list("pk", flat=True)[start:end]
    return rows.filter(pk__in=list(ids))


def _link(request: Request, offset: int, limit: int) -> str:
    """This very request, filters and all, at another offset."""
    query = request.query_params.copy()
    query["offset"], query["limit"] = str(offset), str(limit)
    return str(request.build_absolute_uri(f"{request.path}?{query.urlencode()}"))


@cache
def listing(record: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The shape of a page of `record`, for the OpenAPI document."""
    fields = {
        "count": serializers.IntegerField(help_text="Records on this page."),
        "data": record(many=True),
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "total_count": serializers.IntegerField(help_text="Records in all."),
    }
    name = record.__name__.removesuffix("Serializer") + "ListSerializer"
    return type(name, (CamelSerializer,), fields)
