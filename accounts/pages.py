"""What the views of every app know about who asks, and where in the product they stand."""

from typing import Any

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import EDITING_ROLES, Role, UseCase, User
from accounts.services import role_of


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
