"""Single questions of comparisons and their answers: votes, differences, sources, stop and retry."""

from dataclasses import replace

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import ConfirmForm
from accounts.models import User
from accounts.pages import PageRequest, within
from config.pages import form_response
from playground import comparisons, services
from playground.citing import cited_passage
from playground.compare import board
from playground.compare.differences import differences
from playground.compare.news import tell
from playground.compare.showing import Shown, Side, questions_of, shown
from playground.compare.views import at, done
from playground.models import ChatPrompt, ComparisonPrompt
from playground.presenting import one_turn
from playground.prompt_views import rendered_so_far

_FORM = require_http_methods(["GET", "HEAD", "POST"])
_THUMBS = {"up": True, "down": False, "none": None}


@require_safe
def compared_detail(request: PageRequest, pk: str) -> HttpResponse:
    """The question with its answers as they stand, for the page's script; else its comparison."""
    question = _question(request, pk)
    if not request.htmx:
        return redirect(at(question))
    context = {**_frame(request, question), "item": _shown(request, question)}
    return render(request, "playground/_compare_question.html", context)


@require_POST
def compared_prefer(request: PageRequest, pk: str) -> HttpResponse:
    """`best` is the id of an answer, `tie`, or `none` to take one's choice back; `seen` the ids of all
    that it was chosen from."""
    question = _question(request, pk)
    best = request.POST.get("best", "")
    if best == "none":
        board.withdraw(question, user=request.user)
    else:
        result = None if best == "tie" else get_object_or_404(question.results, pk=best)
        seen = request.POST["seen"].split(",") if "seen" in request.POST else None
        board.prefer(question, user=request.user, best=result, seen=seen)
    return done(request, question.chat)


@_FORM
def compared_delete(request: PageRequest, pk: str) -> HttpResponse:
    question = _question(request, pk)
    if request.method == "POST":
        comparisons.delete_comparison(question, user=request.user)
        return redirect("playground:comparison-detail", question.chat_id)
    context = {
        **_frame(request, question),
        "note": "The question is deleted with its answers and votes. Their traces stay.",
        "is_danger": True,
        "cancel_url": at(question),
    }
    return form_response(
        request, ConfirmForm(), title="Delete this question?", submit="Delete", context=context
    )


@require_safe
def compared_differences(request: PageRequest, pk: str) -> HttpResponse:
    """How the answers `?left` and `?right` differ; the first two where none are named."""
    question = _question(request, pk)
    item = _shown(request, question)
    ready = [side for side in item.sides if side.turn and side.turn.prompt.is_finished]
    if len(ready) < 2:
        raise Http404
    left = _chosen(ready, request.GET.get("left"), ready[0])
    others = [side for side in ready if side is not left]
    right = _chosen(others, request.GET.get("right"), others[0])
    assert left.turn is not None  # noqa: S101 - it is ready
    assert right.turn is not None  # noqa: S101 - likewise
    context = {
        **_frame(request, question),
        "item": item,
        "ready": ready,
        "left": left,
        "right": right,
        "found": differences(left.turn.prompt, right.turn.prompt),
    }
    name = "_compare_differences" if request.htmx else "compare_differences"
    return render(request, f"playground/{name}.html", context)


def _chosen(sides: list[Side], pk: str | None, otherwise: Side) -> Side:
    return next((side for side in sides if side.turn and side.turn.prompt.pk == pk), otherwise)


@require_POST
def result_growing(request: PageRequest, pk: str) -> HttpResponse:
    """What of a running answer's text will not change any more, rendered."""
    _result(request, pk)
    return rendered_so_far(request)


@require_POST
def result_stop(request: PageRequest, pk: str) -> HttpResponse:
    result = _result(request, pk)
    services.stop(result, user=request.user)
    return done(request, _comparison_prompt(result).chat)


@require_POST
def result_retry(request: PageRequest, pk: str) -> HttpResponse:
    """The blueprint as it is now answers anew."""
    result = _result(request, pk)
    question = _comparison_prompt(result)
    board.answer_again(result, user=request.user)
    return done(request, question.chat)


@require_POST
def result_feedback(request: PageRequest, pk: str) -> HttpResponse:
    result = _result(request, pk)
    thumb = request.POST.get("thumb", "")
    services.set_feedback(result, user=request.user, is_positive=_THUMBS.get(thumb))
    question = _comparison_prompt(result)
    if thumb in _THUMBS:
        tell(question.chat_id, question.pk)
    if not request.htmx:
        return redirect(at(question))
    turn = one_turn(result, user=request.user)
    return render(request, "playground/_feedback.html", {"turn": turn})


@require_safe
def result_sources(request: PageRequest, pk: str) -> HttpResponse:
    """All passages that the answer was given; before a blind vote those that it cites, since how many
    there were tells who answered."""
    result = _result(request, pk)
    question = _comparison_prompt(result)
    turn = one_turn(result, user=request.user)
    is_masked = _shown(request, question).is_masked
    context = {
        **_frame(request, question),
        "turn": turn,
        "sources": turn.cited if is_masked else turn.all_sources,
        "is_masked": is_masked,
    }
    name = "_compare_sources" if request.htmx else "compare_sources"
    return render(request, f"playground/{name}.html", context)


@require_safe
def result_citation(request: PageRequest, pk: str, number: int) -> HttpResponse:
    """A cited passage, marked between its neighbours. Before a blind vote without what was measured of
    it, and of those that were only read there is none."""
    result = _result(request, pk)
    question = _comparison_prompt(result)
    passage = cited_passage(result, number, user=request.user)
    is_masked = _shown(request, question).is_masked
    if is_masked:
        _require_cited(result, number, user=request.user)
        # Both addresses name the vector database, which tells whose answer it is.
        passage = replace(passage, url="", places_url="")
    context = {
        **_frame(request, question),
        "passage": passage,
        "prompt": result,
        "number": number,
        "is_masked": is_masked,
    }
    template = "playground/_citation.html" if request.htmx else "playground/citation.html"
    return render(request, template, context)


def _require_cited(result: ChatPrompt, number: int, *, user: User) -> None:
    cited = one_turn(result, user=user).cited
    if all(citation["number"] != number for citation in cited):
        raise Http404


def _shown(request: PageRequest, question: ComparisonPrompt) -> Shown:
    questions = questions_of(question.chat).filter(pk=question.pk)
    [item] = shown(question.chat, questions, user=request.user)
    return item


def _frame(request: PageRequest, question: ComparisonPrompt) -> dict[str, object]:
    playground = question.chat.playground
    return {
        **within(request, playground.use_case, tab="compare"),
        "playground": playground,
        "comparison": question.chat,
        "question": question,
    }


def _question(request: PageRequest, pk: str) -> ComparisonPrompt:
    questions = ComparisonPrompt.objects.visible_to(request.user).filter(chat__is_hidden=False)
    return get_object_or_404(questions.select_related("chat__playground__use_case"), pk=pk)


def _result(request: PageRequest, pk: str) -> ChatPrompt:
    results = ChatPrompt.objects.results_visible_to(request.user).select_related(
        "chat__playground__use_case",
        "chat__blueprint__version",
        "comparison_prompt__chat__playground__use_case",
    )
    return get_object_or_404(results, pk=pk)


def _comparison_prompt(result: ChatPrompt) -> ComparisonPrompt:
    question = result.comparison_prompt
    assert question is not None  # noqa: S101 - results are those of comparisons
    return question
