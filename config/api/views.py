"""What the API's views share: strict reading, look-ups that hide what is not yours, pages."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.db import DatabaseError
from django.db.models import Model, QuerySet
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from config.api import paging
from config.api.case import CamelSerializer, shared
from config.api.errors import Unprocessable, problems_of
from config.collisions import is_collision

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=Model)

_ATTEMPTS = 5


def _again(handler: Callable[..., Response]) -> Callable[..., Response]:
    """What collided with another request is done again: it looks up anew what it is about."""

    @wraps(handler)
    def handle(*args: Any, **names: Any) -> Response:
        for _ in range(_ATTEMPTS - 1):
            try:
                return handler(*args, **names)
            except DatabaseError as error:
                if not is_collision(error):
                    raise
                logger.info("A request collided and is done again", exc_info=True)
        return handler(*args, **names)

    return handle


class Endpoint(APIView):
    """What a handler does to the database must be one transaction, or bear to be done twice."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def __init_subclass__(cls) -> None:
        for method in cls.http_method_names:
            if method in vars(cls):
                setattr(cls, method, _again(vars(cls)[method]))

    @property
    def user(self) -> User:
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - the permission class let nobody else in
        return user

    def body(self, shape: type[CamelSerializer]) -> dict[str, Any]:
        """The request's JSON in snake_case; Unprocessable with all that is wrong in it.

        What was not sent and has no default is absent, what was sent as null is None.
        """
        return _validated(shape, self.request.data, where="body")

    def query(self, shape: type[CamelSerializer]) -> dict[str, Any]:
        """The query string, likewise."""
        data = _plain(self.request.query_params, shared(shape))
        return _validated(shape, data, where="query")

    def page(
        self,
        query: dict[str, Any],
        rows: QuerySet[M],
        shape: type[CamelSerializer],
    ) -> Response:
        show = shared(shape).to_representation
        return paging.page(self.request, query, rows, lambda page: [show(row) for row in page])

    def absolute(self, path: str) -> str:
        """A URL that the client reaches; the host was checked against ALLOWED_HOSTS."""
        return str(self.request.build_absolute_uri(path))


def find(rows: QuerySet[M], pk: str, what: str) -> M:
    """The record with this id among those that the user may see, else 404 "… not found"."""
    return found(rows.filter(pk=pk).first(), what)


def found(record: M | None, what: str) -> M:
    """The record, else 404 "… not found"."""
    if record is None:
        raise NotFound(f"{what} not found.")
    return record


def _validated(shape: type[CamelSerializer], data: Any, *, where: str) -> dict[str, Any]:
    try:
        return dict(shared(shape).run_validation(data))
    except ValidationError as error:
        raise Unprocessable(problems_of(error, where=where)) from error


def _plain(sent: QueryDict, reader: serializers.Serializer[Any]) -> dict[str, Any]:
    """Repeated keys as lists where a list is expected, else the last one."""
    return {
        name: sent.getlist(name) if isinstance(field, serializers.ListField) else sent[name]
        for name, field in reader.fields.items()
        if name in sent
    }
