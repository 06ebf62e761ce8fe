"""Who is calling: a token in the header that the prompt API's clients send, or the usual one."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import authenticate_token

CHALLENGE = 'Bearer realm="api"'
NO_TOKEN = "Send an API token in the header: X-API-KEY: <token>."  # noqa: S105
BAD_TOKEN = "This API token is not valid: it is unknown, was revoked, or its user was deactivated."  # noqa: S105


class KeyAuthentication(BaseAuthentication):
    """`X-API-KEY: <token>`, or `Authorization: Bearer <token>`."""

    def authenticate(self, request: Request | HttpRequest) -> tuple[User, ApiToken]:
        """Raises what is answered with 401, whatever is wrong."""
        token = token_of(request)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def token_of(request: Request | HttpRequest) -> ApiToken:
    """The token that came with the request, and with it its user. Raises NotAuthenticated where there
    is none, AuthenticationFailed where it does not hold."""
    secret = request.META.get("HTTP_X_API_KEY", "").strip()
    if not secret:
        scheme, _, rest = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        secret = rest.strip() if scheme.lower() == "bearer" else ""
    if not secret:
        raise NotAuthenticated(NO_TOKEN)
    token = authenticate_token(secret)
    if token is None:
        raise AuthenticationFailed(BAD_TOKEN)
    return token
