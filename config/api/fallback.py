"""What is answered below the APIs' roots when no view of ours is reached: unknown routes, refused hosts,
crashes. Pages have their own; `config.urls` asks `is_api` whose turn it is."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from config.api.error_bodies import API_ROOTS, PROMPT_ROOTS, error_body
from config.api.errors import CRASHED, NOT_FOUND


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_ROOTS)


def json_error(request: HttpRequest, status: int, message: str) -> JsonResponse:
    return JsonResponse(error_body(request.path, status, message), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return json_error(request, 400, "The request could not be understood.")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return json_error(request, 403, "You may not do that.")


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return json_error(request, 404, NOT_FOUND)


def server_error(request: HttpRequest) -> JsonResponse:
    return json_error(request, 500, CRASHED)


@csrf_exempt
def unknown_route(request: HttpRequest, rest: str = "") -> JsonResponse:
    """The last route below a root: also with DEBUG on, clients get JSON."""
    slashes = "no" if request.path.startswith(PROMPT_ROOTS) else "a"
    return json_error(request, 404, f"There is no such route; paths end in {slashes} slash.")


unknown_route.login_required = False  # type: ignore[attr-defined]
