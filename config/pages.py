"""What all pages share: errors in the product's style, and forms that fit a page or a dialog."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from config.api import fallback
from config.collisions import is_collision
from config.errors import AppError, Conflict, Forbidden, InvalidInput, NotFound

_STATUS: dict[type[AppError], int] = {
    InvalidInput: 422,
    Conflict: 409,
    Forbidden: 403,
    NotFound: 404,
}
_TITLE = {403: "Not allowed", 404: "Not found", 409: "Not now", 422: "That did not work"}
_COLLIDED = "Somebody else changed this at the same moment. Reload the page and try again."


def status_of(error: AppError) -> int:
    return _STATUS.get(type(error), 422)


class PagesMiddleware(MiddlewareMixin):
    """Shows AppErrors, and turns redirects of htmx requests into ones that the page follows."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, AppError):
            return error_response(request, error.message, status=status_of(error))
        if is_collision(error):
            return error_response(request, _COLLIDED, status=409)
        return None

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        # A fetch follows a redirect by itself and would put the whole page into a fragment's place.
        if response.status_code in {301, 302, 303} and is_htmx(request):
            redirect = HttpResponseClientRedirect(response.headers["Location"])
            redirect.cookies = response.cookies
            return redirect
        return response


def is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def error_response(request: HttpRequest, message: str, *, status: int) -> HttpResponse:
    """The message as a toast for htmx, else as a page."""
    context = {"message": message, "title": _TITLE.get(status, "Error"), "status": status}
    if is_htmx(request):
        response = render(request, "_error.html", context, status=status)
        return retarget(reswap(response, "beforeend"), "#toasts")
    return render(request, "error.html", context, status=status)


@contextmanager
def errors_on(form: Form) -> Iterator[None]:
    """Put an AppError of the block into the form, at the field that it names."""
    try:
        yield
    except (InvalidInput, Conflict) as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)


def form_response(
    request: HttpRequest,
    form: Form,
    *,
    title: str,
    submit: str,
    context: dict[str, Any] | None = None,
) -> HttpResponse:
    """A form as a page of its own, or alone when htmx asks for it (it is shown in the dialog).

    `context` may hold `note` (with a `link` of `url` and `text` behind it), `is_danger`, `cancel_url`
    and what the page's frame needs.
    """
    status = 422 if form.errors else 200
    full = {"form": form, "title": title, "submit": submit, **(context or {})}
    template = "_form.html" if is_htmx(request) else "form_page.html"
    return render(request, template, full, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if fallback.is_api(request):
        return fallback.bad_request(request)
    return error_response(request, "The browser sent something unreadable. Try again.", status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if fallback.is_api(request):
        return fallback.permission_denied(request)
    return error_response(request, "You are not allowed to do that.", status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    message = "This page was open for too long, or cookies are blocked. Reload it and try again."
    return error_response(request, message, status=403)


def not_found(request: HttpRequest, exception: Http404) -> HttpResponse:
    message = "There is nothing here, or it was deleted, or it is not shared with you."
    if fallback.is_api(request):
        return fallback.page_not_found(request)
    return error_response(request, message, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Renders without the request: whatever broke must not break this page too."""
    if fallback.is_api(request):
        return fallback.server_error(request)
    if is_htmx(request):
        context = {"message": "Something went wrong on our side. Try again.", "title": "Error"}
        response = HttpResponse(render_to_string("_error.html", context), status=500)
        return retarget(reswap(response, "beforeend"), "#toasts")
    return HttpResponse(render_to_string("error_500.html"), status=500)
