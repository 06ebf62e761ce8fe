"""Other ways on from a question: another answer, other words, a branch of its chat, and the settings
that it was answered with."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import reswap, retarget

from accounts.pages import PageRequest, within
from accounts.services import require_editor
from config.pages import errors_on, form_response
from playground import services
from playground.chat.adopting import Adopted, adopt_settings, settings_of
from playground.chat.lookups import at, prompt_for
from playground.chat.page import turn_response
from playground.forms import EditForm, question_text

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@require_POST
def prompt_regenerate(request: PageRequest, pk: str) -> HttpResponse:
    """The chat's last question is answered once more; the answer so far stays as a version."""
    prompt = prompt_for(request, pk)
    again = services.regenerate(prompt, user=request.user)
    if not request.htmx:
        return redirect(at(again))
    response = turn_response(request, again, is_new=True)
    # The event stream may have brought it already: whichever version is shown is replaced.
    return retarget(reswap(response, "outerHTML"), f'[data-question="{again.question_id}"]')


@require_POST
def prompt_branch(request: PageRequest, pk: str) -> HttpResponse:
    prompt = prompt_for(request, pk)
    chat = services.branch(prompt, user=request.user)
    return redirect("playground:chat-detail", chat.pk)


@_FORM
def prompt_edit(request: PageRequest, pk: str) -> HttpResponse:
    prompt = prompt_for(request, pk)
    require_editor(prompt.chat.playground.use_case, request.user)
    form = EditForm(request.POST or None, initial={"text": prompt.text})
    if form.is_valid():
        with errors_on(form):
            asked = services.edit(prompt, user=request.user, text=question_text(form))
            return redirect("playground:chat-detail", asked.chat_id)
    context = {
        **within(request, prompt.chat.playground.use_case, tab="chat"),
        "note": "It is asked in a new chat, a branch that begins with what was asked before. "
        f"“{prompt.chat}” stays as it is.",
        "cancel_url": at(prompt),
    }
    return form_response(
        request, form, title="Edit the question", submit="Ask in a branch", context=context
    )


@require_POST
def prompt_use_settings(request: PageRequest, pk: str) -> HttpResponse:
    """The chat goes on with what this answer was given with; the panel shows it."""
    prompt = prompt_for(request, pk)
    adopted = adopt_settings(prompt.chat, user=request.user, settings=settings_of(prompt))
    messages.success(request, _told(adopted))
    return redirect(at(prompt))


def _told(adopted: Adopted) -> str:
    rest = (
        " What only the blueprint can have, such as its template, stays as it is."
        if adopted.is_rest_kept
        else ""
    )
    if not adopted.changed:
        return f"The chat has this answer's settings already.{rest}"
    changes = "; ".join(f"{one.name}: {one.old} → {one.new}" for one in adopted.changed)
    return f"The chat goes on with this answer's settings. {changes}.{rest}"
