"""What the views of the chat completions API share."""

import logging
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from rest_framework import exceptions

from accounts.models import ApiToken, UseCase, User
from accounts.services import authenticate_token, use_case_of
from blueprints.providers.base import ProviderError
from config.api.auth import BAD_TOKEN, CHALLENGE, NO_TOKEN
from config.api.error_bodies import openai_body
from config.api.errors import describe
from config.errors import AppError
from playground.v5.errors import Malformed
from vectordb.embedding_models import EmbeddingFailed

logger = logging.getLogger(__name__)

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def endpoint(method: str) -> Callable[[View], View]:
    """An async view for one method, whose errors are answered as OpenAI's clients read them."""

    def decorate(view: View) -> View:
        @wraps(view)
        async def handle(request: HttpRequest, **names: str) -> HttpResponseBase:
            if request.method != method:
                message = f"{request.method} is not possible here: use {method}."
                response = JsonResponse(openai_body(405, message), status=405)
                response["Allow"] = method
                return response
            try:
                return await view(request, **names)
            except Exception as error:
                return error_response(error)

        return login_not_required(handle)

    return decorate


@login_not_required
async def unknown(request: HttpRequest, rest: str = "") -> JsonResponse:
    message = "There is no such route. Those of OpenAI that there are: /v1/chat/completions, "
    return JsonResponse(openai_body(404, message + "/v1/embeddings and /v1/models."), status=404)


def caller_of(request: HttpRequest) -> tuple[User, UseCase]:
    """Who calls, and the use case that their token addresses. Raises what is answered with 401, and
    NotFound for somebody who is in none."""
    token = _token(request)
    return token.user, use_case_of(token)


def _token(request: HttpRequest) -> ApiToken:
    scheme, _, secret = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise exceptions.NotAuthenticated(NO_TOKEN)
    token = authenticate_token(secret.strip())
    if token is None:
        raise exceptions.AuthenticationFailed(BAD_TOKEN)
    return token


def error_response(error: Exception) -> JsonResponse:
    status, body = error_of(error)
    response = JsonResponse(body, status=status)
    if status == 401:
        response["WWW-Authenticate"] = CHALLENGE
    return response


def error_of(error: Exception) -> tuple[int, dict[str, Any]]:
    """The status, and the body in OpenAI's form."""
    match error:
        case exceptions.AuthenticationFailed() | exceptions.NotAuthenticated():
            return 401, openai_body(401, str(error.detail))
        case ProviderError():
            status = _of_provider(error.status)
            return status, openai_body(status, error.message, code="provider_error")
        case EmbeddingFailed():
            return 503, openai_body(503, error.message)
        case Malformed():
            return 400, openai_body(400, str(error.detail))
    status, detail = describe(error)
    status = 400 if status == 422 else status
    field = error.field if isinstance(error, AppError) else None
    if field and not isinstance(detail, str):
        return status, openai_body(status, detail[0]["msg"], param=field)
    code = "model_not_found" if status == 404 else None
    return status, openai_body(status, detail, code=code)


def _of_provider(status: int | None) -> int:
    """The provider's own refusals are told as such; whatever else it does, it is not there."""
    if status == 429:
        return 429
    return 400 if status is not None and 400 <= status < 500 else 503
