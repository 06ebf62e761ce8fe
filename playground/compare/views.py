"""Comparisons: showing, asking all, choosing who answers."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import reswap, retarget

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, within
from blueprints.models import Blueprint
from config.errors import Conflict, InvalidInput
from config.pages import errors_on, form_response
from playground import comparisons
from playground.compare import board
from playground.compare.page import board_context, followed_by, render_compare_page, state_context
from playground.compare.showing import questions_of, shown
from playground.forms import AskForm, NameForm
from playground.models import ComparisonChat, ComparisonPrompt, Playground

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def compare_home(request: PageRequest, pk: str) -> HttpResponseBase:
    """The newest comparison of the playground, or a new one."""
    playground = _playground(request, pk)
    newest = playground.comparison_chats.filter(is_hidden=False).first()
    if newest is not None and "new" not in request.GET:
        return redirect("playground:comparison-detail", newest.pk)
    return render_compare_page(request, playground=playground)


@require_POST
def compare_ask(request: PageRequest, pk: str) -> HttpResponseBase:
    """The first question of a new comparison."""
    playground = _playground(request, pk)
    blueprints = _named(request, playground)
    form = AskForm(request.POST)
    if form.is_valid():
        with errors_on(form):
            question = board.begin(
                user=request.user,
                playground=playground,
                blueprints=blueprints,
                text=_text(form),
                is_blind="is_blind" in request.POST,
            )
            return redirect("playground:comparison-detail", question.chat_id)
    if request.htmx:
        return _ask_errors(request, form)
    ticked = {blueprint.pk for blueprint in blueprints}
    return render_compare_page(
        request, playground=playground, ask_form=form, ticked=ticked, status=422
    )


@require_safe
def comparison_detail(request: PageRequest, pk: str) -> HttpResponseBase:
    """The page; for its script, its questions alone."""
    comparison = _comparison(request, pk)
    if not request.htmx:
        return render_compare_page(request, playground=comparison.playground, comparison=comparison)
    following = followed_by(request, comparison)
    context = {**_frame(request, comparison), **board_context(request, comparison, following)}
    return render(request, "playground/_compare_board.html", context)


@require_safe
def comparison_state(request: PageRequest, pk: str) -> HttpResponse:
    """Who takes part and how they did so far, for the page's script."""
    comparison = _comparison(request, pk)
    if not request.htmx:
        return redirect("playground:comparison-detail", pk)
    return _state(request, comparison)


@require_POST
def comparison_ask(request: PageRequest, pk: str) -> HttpResponseBase:
    comparison = _comparison(request, pk)
    form = AskForm(request.POST)
    if form.is_valid():
        with errors_on(form):
            question = board.ask_all(comparison, user=request.user, text=_text(form))
            if not request.htmx:
                return redirect(f"/comparisons/{comparison.pk}/#question-{question.pk}")
            [item] = shown(
                comparison, questions_of(comparison).filter(pk=question.pk), user=request.user
            )
            context = {**_frame(request, comparison), "item": item, "is_new": True}
            return render(request, "playground/_compare_asked.html", context)
    if request.htmx:
        return _ask_errors(request, form)
    return render_compare_page(
        request,
        playground=comparison.playground,
        comparison=comparison,
        ask_form=form,
        status=422,
    )


@require_POST
def comparison_choose(request: PageRequest, pk: str) -> HttpResponseBase:
    """From now on the ticked blueprints are asked; who joins answers all that was asked before."""
    comparison = _comparison(request, pk)
    try:
        board.choose(
            comparison, user=request.user, blueprints=_named(request, comparison.playground)
        )
    except (InvalidInput, Conflict) as error:
        if request.htmx:
            response = _state(request, comparison, choice_error=error.message, status=422)
            return retarget(reswap(response, "outerHTML"), "#compare-state")
        return render_compare_page(
            request,
            playground=comparison.playground,
            comparison=comparison,
            choice_error=error.message,
            status=422,
        )
    return done(request, comparison)


@require_POST
def comparison_blind(request: PageRequest, pk: str) -> HttpResponse:
    comparison = _comparison(request, pk)
    board.set_blind(comparison, user=request.user, is_blind="is_blind" in request.POST)
    return done(request, comparison)


@require_POST
def comparison_stop(request: PageRequest, pk: str) -> HttpResponse:
    comparison = _comparison(request, pk)
    board.stop_all(comparison, user=request.user)
    return done(request, comparison)


@_FORM
def comparison_rename(request: PageRequest, pk: str) -> HttpResponse:
    comparison = _comparison(request, pk)
    form = NameForm(request.POST or None, initial={"name": comparison.name})
    if form.is_valid():
        with errors_on(form):
            comparisons.rename_comparison_chat(
                comparison, user=request.user, name=form.cleaned_data["name"]
            )
            return redirect("playground:comparison-detail", pk)
    context = {**_frame(request, comparison), "cancel_url": ".."}
    return form_response(request, form, title="Rename comparison", submit="Save", context=context)


@_FORM
def comparison_delete(request: PageRequest, pk: str) -> HttpResponse:
    comparison = _comparison(request, pk)
    if request.method == "POST":
        comparisons.delete_comparison_chat(comparison, user=request.user)
        return redirect("playground:compare-home", comparison.playground_id)
    context = {
        **_frame(request, comparison),
        "note": f"“{comparison.name}” is deleted with its questions, answers and votes.",
        "is_danger": True,
        "cancel_url": "..",
    }
    return form_response(
        request, ConfirmForm(), title="Delete this comparison?", submit="Delete", context=context
    )


def at(question: ComparisonPrompt) -> str:
    return f"/comparisons/{question.chat_id}/?shown={question.pk}#question-{question.pk}"


def done(request: PageRequest, comparison: ComparisonChat) -> HttpResponse:
    """The page hears of the change by its event stream, as all other pages do."""
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("playground:comparison-detail", comparison.pk)


def _state(
    request: PageRequest, comparison: ComparisonChat, *, choice_error: str = "", status: int = 200
) -> HttpResponse:
    context = {
        **_frame(request, comparison),
        **state_context(request, comparison.playground, comparison, choice_error=choice_error),
    }
    return render(request, "playground/_compare_state.html", context, status=status)


def _frame(request: PageRequest, comparison: ComparisonChat) -> dict[str, object]:
    return {
        **within(request, comparison.playground.use_case, tab="compare"),
        "playground": comparison.playground,
        "comparison": comparison,
    }


def _ask_errors(request: PageRequest, form: AskForm) -> HttpResponse:
    response = render(request, "playground/_ask_errors.html", {"ask_form": form}, status=422)
    return retarget(reswap(response, "innerHTML"), "#ask-errors")


def _text(form: AskForm) -> str:
    # Browsers send line breaks of text areas as CR LF.
    text: str = form.cleaned_data["text"]
    return text.replace("\r\n", "\n")


def _named(request: PageRequest, playground: Playground) -> list[Blueprint]:
    """Those that were ticked, in the playground's order; others of the request do not exist."""
    ids = set(request.POST.getlist("blueprint"))
    places = playground.places.filter(blueprint__in=ids).select_related("blueprint")
    return [place.blueprint for place in places]


def _playground(request: PageRequest, pk: str) -> Playground:
    playgrounds = Playground.objects.visible_to(request.user).select_related("use_case")
    return get_object_or_404(playgrounds, pk=pk)


def _comparison(request: PageRequest, pk: str) -> ComparisonChat:
    comparisons_seen = ComparisonChat.objects.visible_to(request.user)
    return get_object_or_404(comparisons_seen.select_related("playground__use_case"), pk=pk)
