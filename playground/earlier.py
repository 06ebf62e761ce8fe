"""The way back through the questions of a chat or of a comparison, a page's worth at a time."""

from typing import TypeVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from playground.models import ChatPrompt, ComparisonPrompt

Question = TypeVar("Question", ChatPrompt, ComparisonPrompt)


def following_of(request: HttpRequest, questions: QuerySet[Question]) -> Question | None:
    """The question of `?before=ID`; None without one. Raises Http404."""
    pk = request.GET.get("before")
    return None if pk is None else get_object_or_404(questions, pk=pk)


def put_before(following: ChatPrompt | ComparisonPrompt) -> Q:
    at = following.created_at
    return Q(created_at__lt=at) | Q(created_at=at, pk__lt=following.pk)
