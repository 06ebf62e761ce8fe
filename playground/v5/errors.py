"""Errors of the prompt API, for views of REST framework and for async ones alike."""

from typing import Any

from django.http import JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from config.api import errors as shared
from config.api.error_bodies import Problem, told
from config.errors import (
    AppError,
    Conflict,
    Crashed,
    Forbidden,
    InvalidInput,
    NotFound,
    Unavailable,
)
from playground.v5.auth import CHALLENGE
from vectordb.embedding_models import EmbeddingFailed

_WITH_A_STATUS = (Conflict, Crashed, Forbidden, NotFound, Unavailable)


class Malformed(exceptions.APIException):
    """The body is no JSON."""

    status_code = 400


class ProviderFailed(Exception):
    """An LLM's server, or who prepares a question for it, gave no answer."""

    def __init__(self, error: AppError, provider: str) -> None:
        super().__init__(error.message)
        self._message, self._provider = error.message, provider or "openai"
        self._status: int | None = getattr(error, "status", None)

    def response(self) -> JsonResponse:
        """Its refusals are the caller's to mend; whatever else it does, it is not there."""
        status = 503
        if self._status == 429:
            status = 429
        elif self._status is not None and 400 <= self._status < 500:
            status = 422
        return JsonResponse({"detail": told(status, self._message, self._provider)}, status=status)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """What REST framework calls for every exception of a view."""
    status, body, headers = _answer_to(error)
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return Response(body, status=status, headers=headers)


def error_response(error: Exception) -> JsonResponse:
    """The same for a view that is none of REST framework's."""
    status, body, headers = _answer_to(error)
    return JsonResponse(body, status=status, headers=headers)


def text_of_error(error: Exception) -> str:
    """For a reader who sees no JSON."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8 text"
    _, detail = _describe(error)
    if isinstance(detail, str):
        return detail
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in detail
    )


def _answer_to(error: Exception) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = {}
    if isinstance(error, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        headers["WWW-Authenticate"] = CHALLENGE
    status, detail = _describe(error)
    return status, {"detail": told(status, detail) if isinstance(detail, str) else detail}, headers


def _describe(error: Exception) -> tuple[int, str | list[Problem]]:
    """Services name the fields as this API does, so that nothing is to be translated."""
    if isinstance(error, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        return 401, str(error.detail)
    if isinstance(error, EmbeddingFailed):
        return 503, error.message
    if not isinstance(error, AppError) or isinstance(error, _WITH_A_STATUS):
        return shared.describe(error)
    if not isinstance(error, InvalidInput) or not error.field:
        return 422, error.message
    loc: list[str | int] = ["body"]
    loc += [int(part) if part.isdecimal() else part for part in error.field.split(".")]
    return 422, [Problem(loc=loc, msg=error.message, type="value_error")]
