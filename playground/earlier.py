"""The way back through the questions of a chat or of a comparison, a page's worth at a time."""

from collections.abc import Callable
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from playground.models import ChatPrompt, ComparisonPrompt

Question = TypeVar("Question", ChatPrompt, ComparisonPrompt)

# So many of those that followed are shown with one that was looked for.
_AFTER = 3


def following_of(
    request: HttpRequest,
    questions: QuerySet[Question],
    *,
    known: QuerySet[Question],
    size: Callable[[], int],
) -> Question | None:
    """What the page ends before: the question of `?before=ID`, or one soon after that of `?shown=ID`;
    None where the newest `size` are shown, which is so where they hold that one.

    `questions` are those that pages hold, and `known` are those that may be named: earlier versions
    as well. Most pages are asked for without either, which takes no query. Raises Http404.
    """
    if "before" in request.GET:
        return get_object_or_404(known, pk=request.GET["before"])
    pk = request.GET.get("shown")
    wanted = known.filter(pk=pk).first() if pk else None
    if wanted is None:
        return None
    most = size()
    newer = list(questions.filter(_put_after(wanted)).order_by("created_at", "pk")[:most])
    return newer[min(_AFTER, most - 1)] if len(newer) == most else None


def put_before(following: ChatPrompt | ComparisonPrompt) -> Q:
    at = following.created_at
    return Q(created_at__lt=at) | Q(created_at=at, pk__lt=following.pk)


def _put_after(question: ChatPrompt | ComparisonPrompt) -> Q:
    at = question.created_at
    return Q(created_at__gt=at) | Q(created_at=at, pk__gt=question.pk)
