"""Every error of the APIs in the form that its clients know; no HTML, no trace."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from config.api.case import camel
from config.api.error_bodies import Problem, error_body
from config.errors import AppError, Conflict, Crashed, Forbidden, NotFound, Unavailable

logger = logging.getLogger(__name__)

NOT_FOUND = "Not found."
TOO_MUCH = "The request holds too many fields or files, or more text than is taken: send less."
CRASHED = "Something went wrong on the server; its log says what."

# Codes of REST framework and Django → the names that pydantic 2 gives the same errors.
_TYPES = {
    "required": "missing",
    "null": "model_attributes_type",
    "max_length": "string_too_long",
    "min_length": "string_too_short",
    "max_value": "less_than_equal",
    "min_value": "greater_than_equal",
    "null_characters_not_allowed": "value_error",
    "surrogate_characters_not_allowed": "value_error",
    "empty": "value_error",
    "not_a_list": "list_type",
    "invalid": "value_error",
}
_MESSAGES = {
    "required": "Field required",
    "null_characters_not_allowed": "Text must not contain NUL characters",
    "surrogate_characters_not_allowed": "Text must not contain halves of surrogate pairs",
}
# The same of lists.
_LIST_TYPES = {"max_length": "too_long", "min_length": "too_short", "empty": "too_short"}
_NOT_AN_OBJECT = "Input should be a valid dictionary or object"

# Where the wire has what the services call by these names.
_LLM_SETTINGS = ("system_prompt", "temperature", "top_p", "max_completion_length")
_RETRIEVAL_SETTINGS = (
    "max_documents_retrieved_per_prompt",
    "max_tokens",
    "add_neighbor_chunks",
    "search_mode",
    "retriever",
    "retrieval_mode",
    "maximal_marginal_relevance_lambda",
    "similarity_threshold",
    "rerank",
)
_CHUNKING = (
    "embedding_model",
    "chunking_method",
    "chunk_size",
    "chunk_overlap_percentage",
    "separators",
)
_PLACES: dict[str, tuple[str, ...]] = {
    **{name: ("llmSettings", camel(name)) for name in _LLM_SETTINGS},
    **{name: ("vectorDatabaseSettings", camel(name)) for name in _RETRIEVAL_SETTINGS},
    **{name: ("chunkingParameters", camel(name)) for name in _CHUNKING},
    "retrieval_settings": ("vectorDatabaseSettings",),
    "llm": ("llmId",),
    "vector_database": ("vectorDatabaseId",),
    "chat": ("chatId",),
    "blueprint": ("llmBlueprintId",),
    "playground": ("playgroundId",),
    "dataset": ("datasetId",),
    "use_case": ("useCaseId",),
    "feedback": ("feedbackMetadata", "feedback"),
}


class Unprocessable(exceptions.APIException):
    """422, with everything that is wrong."""

    status_code = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        self.problems = list(problems)

    @classmethod
    def at(cls, *loc: str | int, msg: str, type_: str = "value_error") -> "Unprocessable":
        return cls([Problem(loc=list(loc), msg=msg, type=type_)])


_UNREADABLE: dict[type[Exception], Problem] = {
    exceptions.UnsupportedMediaType: Problem(
        loc=["body"], msg="Send JSON, with Content-Type: application/json", type="value_error"
    ),
    exceptions.ParseError: Problem(
        loc=["body"], msg="The body could not be read", type="value_error"
    ),
}


def problems_of(error: exceptions.ValidationError, *, where: str) -> list[Problem]:
    """What a serializer refused, one entry each; `where` is "body" or "query"."""
    return list(_flatten(error.detail, (where,)))


def _flatten(detail: Any, loc: tuple[str | int, ...]) -> Iterator[Problem]:
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            if key == "non_field_errors":
                for item in inner:
                    yield from _of_the_whole(item, loc)
            else:
                yield from _flatten(inner, (*loc, key))
    elif isinstance(detail, list):
        for index, item in enumerate(detail):
            # The errors of a list of objects are a list of objects too, empty where all is well.
            yield from _flatten(item, (*loc, index) if isinstance(item, Mapping) else loc)
    else:
        yield Problem(
            loc=list(loc),
            msg=_MESSAGES.get(detail.code, str(detail)),
            type=_TYPES.get(detail.code, detail.code),
        )


def _of_the_whole(item: exceptions.ErrorDetail, loc: tuple[str | int, ...]) -> Iterator[Problem]:
    if item.code == "invalid":
        yield Problem(loc=list(loc), msg=_NOT_AN_OBJECT, type="model_attributes_type")
    elif item.code in _LIST_TYPES:
        yield Problem(loc=list(loc), msg=str(item), type=_LIST_TYPES[item.code])
    else:
        yield from _flatten(item, loc)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """What REST framework calls for every exception of a view."""
    request = context["request"]
    status, detail = describe(error)
    headers = {}
    if isinstance(error, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[union-attr]
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return Response(error_body(request.path, status, detail), status=status, headers=headers)


def describe(error: Exception) -> tuple[int, str | list[Problem]]:
    """The status and what to say. Only messages that were written to be shown get out."""
    match error:
        case exceptions.APIException():
            return _describe_api_exception(error)
        case AppError():
            return _describe_app_error(error)
        case Http404():
            return 404, NOT_FOUND
        case PermissionDenied():
            return 403, "You may not do that."
        case SuspiciousOperation():
            return 400, TOO_MUCH
    logger.error("A request to the API crashed", exc_info=error)
    return 500, CRASHED


def _describe_api_exception(error: exceptions.APIException) -> tuple[int, str | list[Problem]]:
    match error:
        case Unprocessable():
            return 422, error.problems
        case exceptions.ValidationError():
            return 422, problems_of(error, where="body")
        case exceptions.UnsupportedMediaType() | exceptions.ParseError():
            return 422, [_UNREADABLE[type(error)]]
    return error.status_code, str(error.detail)


def _describe_app_error(error: AppError) -> tuple[int, str | list[Problem]]:
    if isinstance(error, Conflict):
        return 409, error.message
    if isinstance(error, Forbidden):
        return 403, error.message
    if isinstance(error, NotFound):
        return 404, error.message
    if isinstance(error, Unavailable):
        return 503, error.message
    if isinstance(error, Crashed):
        return 500, error.message
    loc: list[str | int] = ["body", *_place(error.field)]
    return 422, [Problem(loc=loc, msg=error.message, type="value_error")]


def _place(field: str | None) -> tuple[str | int, ...]:
    if not field:
        return ()
    return _PLACES.get(field) or tuple(
        int(part) if part.isdecimal() else camel(part) for part in field.split(".")
    )
