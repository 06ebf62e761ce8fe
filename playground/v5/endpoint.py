"""What the prompt API's views share."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from rest_framework import serializers
from rest_framework.response import Response

from accounts.models import ApiToken, UseCase
from accounts.services import use_case_of
from config.api.fields import QueryInt
from config.api.views import Endpoint
from playground.v5 import errors
from playground.v5.auth import KeyAuthentication
from playground.v5.reading import Shape, read_body, read_query

DEFAULT_SIZE = 10
MAX_SIZE = 1000


class PageQuery(serializers.Serializer[Any]):
    """What every paged list takes; subclasses add their filters."""

    page = QueryInt(min_value=1, default=1)
    size = QueryInt(min_value=0, default=DEFAULT_SIZE)


class PromptEndpoint(Endpoint):
    """Below /v5/ and /v4/: a token in X-API-KEY, JSON whatever its content type, errors in the form
    of this API. `use_case` is what the token addresses: paths are looked up there."""

    authentication_classes = [KeyAuthentication]
    schema = None

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        return errors.exception_handler

    @property
    def token(self) -> ApiToken:
        token = self.request.auth
        assert isinstance(token, ApiToken)  # noqa: S101 - of KeyAuthentication
        return token

    @cached_property
    def use_case(self) -> UseCase:
        """Raises NotFound for somebody who is in none."""
        return use_case_of(self.token)

    def sent(self, shape: type[Shape], *, keep_null: bool = False) -> dict[str, Any]:
        """The body's fields; see `read_body`."""
        return read_body(self.request.body, shape, keep_null=keep_null)

    def asked(self, shape: type[Shape]) -> dict[str, Any]:
        """The query string's fields."""
        return read_query(self.request.query_params, shape)


def page_of(
    query: dict[str, Any], rows: Any, show: Callable[[list[Any]], list[dict[str, Any]]]
) -> Response:
    """One page of `rows`, a query which must be in a total order; past the end there are no records."""
    page, size = query["page"], min(query["size"], MAX_SIZE)
    start = (page - 1) * size
    records = show(list(rows[start : start + size])) if size else []
    total = rows.count()
    return Response({"records": records, "page": page, "size": size, "total": total})
