"""The page of a comparison: what its parts hold."""

from functools import partial
from typing import Any

from django.http import HttpResponseBase

from accounts.pages import PageRequest, within
from config.page_parts import render_in_parts
from playground.compare.showing import questions_of, shown
from playground.compare.summary import summary_of
from playground.earlier import following_of, put_before
from playground.forms import AskForm
from playground.models import ComparisonChat, ComparisonPrompt, Playground
from playground.presenting import Place, places

_MOST_COMPARISONS = 200
# What a page can hold without being slow to show, and what it holds at most.
_ANSWERS_AT_ONCE, _FEWEST_QUESTIONS = 16, 2
_MOST_QUESTIONS = 100
# So many are ticked when a comparison begins.
_FIRST = 4


def render_compare_page(
    request: PageRequest,
    *,
    playground: Playground,
    comparison: ComparisonChat | None = None,
    ask_form: AskForm | None = None,
    ticked: set[str] | None = None,
    choice_error: str = "",
    status: int = 200,
) -> HttpResponseBase:
    """Without a comparison it is the page of a new one, where `ticked` are chosen."""
    frame = {
        **within(request, playground.use_case, tab="compare"),
        "playground": playground,
        "comparison": comparison,
    }
    following = followed_by(request, comparison) if comparison else None

    def rest() -> dict[str, Any]:
        rows = playground.comparison_chats.filter(is_hidden=False)
        context = {
            "comparisons": rows[:_MOST_COMPARISONS],
            "ask_form": ask_form or AskForm(),
            "is_blind": "is_blind" in request.POST,
            **state_context(
                request, playground, comparison, ticked=ticked, choice_error=choice_error
            ),
        }
        return context | (board_context(request, comparison, following) if comparison else {})

    return render_in_parts(request, "playground/compare.html", frame, rest, status=status)


def state_context(
    request: PageRequest,
    playground: Playground,
    comparison: ComparisonChat | None,
    *,
    ticked: set[str] | None = None,
    choice_error: str = "",
) -> dict[str, Any]:
    """Who takes part, and how they did so far."""
    rows = places(playground)
    return {
        "places": rows,
        "ticked": _ticked(rows, comparison) if ticked is None else ticked,
        "choice_error": choice_error,
        "summary": summary_of(comparison, user=request.user) if comparison else None,
    }


def _ticked(rows: list[Place], comparison: ComparisonChat | None) -> set[str]:
    if comparison is None:
        return {row.place.blueprint_id for row in rows[:_FIRST]}
    return set(comparison.blueprints.values_list("pk", flat=True))


def followed_by(request: PageRequest, comparison: ComparisonChat) -> ComparisonPrompt | None:
    """The question that the page ends before; see `following_of`."""
    questions = comparison.prompts.all()
    size = partial(_size, request, comparison)
    return following_of(request, questions, known=questions, size=size)


def board_context(
    request: PageRequest, comparison: ComparisonChat, following: ComparisonPrompt | None
) -> dict[str, Any]:
    """The newest questions in the order in which they were put, few enough to be shown at once; with
    `?all` as many as a page holds. With `following`, some that were put before that one."""
    questions = questions_of(comparison).reverse()
    if following is not None:
        questions = questions.filter(put_before(following))
    most = _size(request, comparison)
    found = list(questions[: most + 1])
    kept = found[:most][::-1]
    return {
        "questions": shown(comparison, kept, user=request.user),
        "earlier_url": f"?before={kept[0].pk}" if len(found) > most else "",
        "is_newest": following is None,
    }


def _size(request: PageRequest, comparison: ComparisonChat) -> int:
    """So many questions that their answers, side by side, are quick to show; with `?all` more."""
    if "all" in request.GET:
        return _MOST_QUESTIONS
    columns = max(1, comparison.blueprints.count())
    return max(_FEWEST_QUESTIONS, _ANSWERS_AT_ONCE // columns)
