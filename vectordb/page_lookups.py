"""What the pages of vector databases look up of their addresses."""

from django.shortcuts import get_object_or_404

from accounts.pages import PageRequest
from vectordb.models import VectorDatabase

_LONGEST_NUMBER = 18


def visible_database(request: PageRequest, pk: str) -> VectorDatabase:
    """With its use case. Raises Http404."""
    databases = VectorDatabase.objects.visible_to(request.user).select_related("use_case")
    return get_object_or_404(databases, pk=pk)


def whole_number(given: str) -> int | None:
    """None for what is no number, or none that a column could hold."""
    return int(given) if given.isdecimal() and len(given) <= _LONGEST_NUMBER else None
