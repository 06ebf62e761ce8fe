"""Single questions: their fragment, what can be done with them, and what they cite."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import reswap, retarget

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, within
from config.pages import form_response
from playground import services
from playground.chat.lookups import at, prompt_for
from playground.chat.page import turn_response
from playground.citing import cited_passage
from playground.forms import GrowingForm
from playground.gold import citation_of
from playground.presenting import one_turn
from playground.rendering import render_settled

_FORM = require_http_methods(["GET", "HEAD", "POST"])
_THUMBS = {"up": True, "down": False, "none": None}


@require_safe
def prompt_detail(request: PageRequest, pk: str) -> HttpResponse:
    """The question with its answer as it stands, for the page's script; else its chat."""
    prompt = prompt_for(request, pk)
    if not request.htmx:
        return redirect(at(prompt))
    return turn_response(request, prompt)


@require_POST
def prompt_growing(request: PageRequest, pk: str) -> HttpResponse:
    """What of a running answer's text, which the page has from the event stream, will not change any
    more, rendered."""
    prompt_for(request, pk)
    return rendered_so_far(request)


def rendered_so_far(request: PageRequest) -> HttpResponse:
    form = GrowingForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422)
    numbers = range(1, form.cleaned_data["passages"] + 1)
    settled = render_settled(form.cleaned_data["text"], numbers=numbers)
    return JsonResponse({"length": settled.length, "html": settled.html})


@require_POST
def prompt_stop(request: PageRequest, pk: str) -> HttpResponse:
    prompt = prompt_for(request, pk)
    services.stop(prompt, user=request.user)
    if request.htmx:
        return HttpResponse(status=204)
    return redirect(at(prompt))


@require_POST
def prompt_retry(request: PageRequest, pk: str) -> HttpResponse:
    """A failed answer starts over in its place."""
    prompt = prompt_for(request, pk)
    again = services.retry(prompt, user=request.user)
    if not request.htmx:
        return redirect(at(again))
    response = turn_response(request, again, is_new=True)
    return retarget(reswap(response, "outerHTML"), f"#prompt-{prompt.pk}")


@_FORM
def prompt_delete(request: PageRequest, pk: str) -> HttpResponse:
    prompt = prompt_for(request, pk)
    if request.method == "POST":
        services.delete_prompt(prompt, user=request.user)
        return redirect("playground:chat-detail", prompt.chat_id)
    context = {
        **within(request, prompt.chat.playground.use_case, tab="chat"),
        "note": "The question and its answer are deleted. Their trace stays.",
        "is_danger": True,
        "cancel_url": at(prompt),
    }
    return form_response(
        request, ConfirmForm(), title="Delete this question?", submit="Delete", context=context
    )


@require_POST
def prompt_feedback(request: PageRequest, pk: str) -> HttpResponse:
    prompt = prompt_for(request, pk)
    thumb = _THUMBS.get(request.POST.get("thumb", ""))
    services.set_feedback(prompt, user=request.user, is_positive=thumb)
    if not request.htmx:
        return redirect(at(prompt))
    turn = one_turn(prompt, user=request.user)
    return render(request, "playground/_feedback.html", {"turn": turn})


@require_POST
def citation_relevance(request: PageRequest, pk: str, number: int) -> HttpResponse:
    """Whether this passage helps to answer the question."""
    prompt = prompt_for(request, pk)
    thumb = _THUMBS.get(request.POST.get("thumb", ""))
    services.label_passage(prompt, number, user=request.user, is_relevant=thumb)
    if not request.htmx:
        return redirect("playground:citation-detail", pk, number)
    context = {"prompt": prompt, "number": number, "thumb": thumb}
    return render(request, "playground/_relevance.html", context)


@require_safe
def citation_detail(request: PageRequest, pk: str, number: int) -> HttpResponse:
    """A cited passage, marked between its neighbours: alone for the side sheet, else as a page. With
    `?brief` only what the answer was given, for the page to show beside a number."""
    prompt = prompt_for(request, pk)
    if "brief" in request.GET:
        brief = {"citation": citation_of(prompt, number)}
        return render(request, "playground/_citation_brief.html", brief)
    context = {
        **within(request, prompt.chat.playground.use_case, tab="chat"),
        "playground": prompt.chat.playground,
        "prompt": prompt,
        "passage": cited_passage(prompt, number, user=request.user),
        "number": number,
        "can_judge": services.searched_database(prompt) is not None,
        "thumb": services.own_label(prompt, number, user=request.user),
    }
    template = "playground/_citation.html" if request.htmx else "playground/citation.html"
    return render(request, template, context)
