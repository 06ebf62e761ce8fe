"""Who is calling: a token in the Authorization header, and nothing else."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import authenticate_token

CHALLENGE = 'Bearer realm="api"'
NO_TOKEN = "Send an API token in the header: Authorization: Bearer <token>."  # noqa: S105
BAD_TOKEN = "This API token is not valid: it is unknown, was revoked, or its user was deactivated."  # noqa: S105
_SCHEMES = {"bearer", "token"}


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`, or `Token <token>` as the GenAI client sends it."""

    def authenticate(self, request: Request | HttpRequest) -> tuple[User, ApiToken] | None:
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() not in _SCHEMES:
            return None
        token = authenticate_token(secret.strip())
        if token is None:
            raise AuthenticationFailed(BAD_TOKEN)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE
