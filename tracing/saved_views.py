"""Filters of the list of logs under names. Whoever sees the logs may save one."""

from django.db import IntegrityError, transaction

from accounts.models import EDITING_ROLES, UseCase, User
from accounts.services import role_of
from config.errors import Conflict, Forbidden, InvalidInput
from tracing.list_models import LONGEST_QUERY, SavedView

_MOST = 100


def save(use_case: UseCase, *, user: User, name: str, query: str) -> SavedView:
    """Raises Conflict for a name that is taken and where there are too many, InvalidInput for a blank
    name or query."""
    name = name.strip()
    if not name:
        raise InvalidInput("A view needs a name.", field="name")
    if not 0 < len(query) <= LONGEST_QUERY:
        raise InvalidInput("There is no filter to save: choose one first.")
    if use_case.log_views.count() >= _MOST:
        raise Conflict(f"There are {_MOST} views already: delete one first.")
    try:
        with transaction.atomic():
            return SavedView.objects.create(
                use_case=use_case, name=name, query=query, created_by=user
            )
    except IntegrityError as error:
        raise Conflict("Another view has this name: choose another.", field="name") from error


def may_delete_all(use_case: UseCase, user: User) -> bool:
    return role_of(use_case, user) in EDITING_ROLES


def require_deleter(view: SavedView, user: User) -> None:
    """Raises Forbidden for a viewer who did not save it."""
    if view.created_by_id != user.pk and not may_delete_all(view.use_case, user):
        raise Forbidden("Somebody else saved this view: ask an editor to delete it.")


def delete(view: SavedView, *, user: User) -> None:
    require_deleter(view, user)
    view.delete()
