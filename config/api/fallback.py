"""What is answered below /api/ when no view of ours is reached: unknown routes, refused hosts,
crashes. Pages have their own; `config.urls` asks `is_api` whose turn it is."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from config.api.errors import CRASHED, NOT_FOUND, error_body

API_ROOT = "/api/"


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_ROOT)


def json_error(request: HttpRequest, status: int, message: str) -> JsonResponse:
    return JsonResponse(error_body(request.path, message), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return json_error(request, 400, "The request could not be understood.")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return json_error(request, 403, "You may not do that.")


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return json_error(request, 404, NOT_FOUND)


def server_error(request: HttpRequest) -> JsonResponse:
    return json_error(request, 500, CRASHED)


@csrf_exempt
def unknown_route(request: HttpRequest, rest: str) -> JsonResponse:
    """The last route below /api/: also with DEBUG on, clients get JSON."""
    return json_error(request, 404, "There is no such route; paths end in a slash.")


unknown_route.login_required = False  # type: ignore[attr-defined]
