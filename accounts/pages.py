"""What the views of every app know about who asks, and where in the product they stand."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from accounts.models import EDITING_ROLES, Role, UseCase, User
from accounts.services import role_of

P = ParamSpec("P")


class PageRequest(HttpRequest):
    """A request that the middleware has let through: somebody is signed in."""

    user: User
    htmx: HtmxDetails


def within(request: PageRequest, use_case: UseCase, *, tab: str) -> dict[str, Any]:
    """The frame of a page inside a use case: its name, its tabs, and what the reader may do."""
    role = role_of(use_case, request.user)
    return {
        "use_case": use_case,
        "tab": tab,
        "can_edit": role in EDITING_ROLES,
        "is_owner": role is Role.OWNER,
    }


def staff_only(
    view: Callable[Concatenate[PageRequest, P], HttpResponse],
) -> Callable[Concatenate[PageRequest, P], HttpResponse]:
    """To everybody else the page does not exist."""

    @wraps(view)
    def wrapped(request: PageRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    return wrapped
