"""The pages of replays: asking for one, and the new answer beside the old."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import EDITING_ROLES
from accounts.pages import PageRequest, within
from accounts.services import role_of
from playground.chat.lookups import at, prompt_for
from playground.compare.differences import differences
from playground.models import ChatPrompt, Replay
from playground.presenting import one_turn
from playground.rendering import render_answer
from playground.replays.asking import replay, stop
from playground.replays.replaying import obstacle

_MOST_SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
def prompt_replay(request: PageRequest, pk: str) -> HttpResponse:
    """What a replay is, those that there are, and a new one: `as` is `exact` or `searched`."""
    prompt = prompt_for(request, pk)
    if request.method == "POST":
        is_exact = request.POST.get("as") != "searched"
        made = replay(prompt, user=request.user, is_exact=is_exact)
        return redirect("playground:replay-detail", made.pk)
    role = role_of(prompt.chat.playground.use_case, request.user)
    context = {
        **_frame(request, prompt),
        "can_replay": role in EDITING_ROLES,
        "exact_obstacle": obstacle(prompt, is_exact=True),
        "searched_obstacle": obstacle(prompt, is_exact=False),
        "replays": prompt.replays.select_related("created_by")[:_MOST_SHOWN],
    }
    return render(request, "playground/replays.html", context)


@require_safe
def replay_detail(request: PageRequest, pk: str) -> HttpResponse:
    """Both answers and how they differ; for the page's script, which asks until it is done, these
    alone."""
    replays = Replay.objects.visible_to(request.user).select_related(
        "prompt__chat__playground__use_case", "prompt__chat__blueprint__version", "created_by"
    )
    made = get_object_or_404(replays, pk=pk)
    numbers = {citation["number"] for citation in made.citations}
    context: dict[str, Any] = {
        **_frame(request, made.prompt),
        "replay": made,
        "turn": one_turn(made.prompt, user=request.user),
        "html": render_answer(made.result_text, numbers=numbers),
        "found": differences(made.prompt, made),
        "left": {"name": "then"},
        "right": {"name": "now"},
        "can_stop": role_of(made.prompt.chat.playground.use_case, request.user) in EDITING_ROLES,
    }
    name = "_replay" if request.htmx else "replay"
    return render(request, f"playground/{name}.html", context)


@require_POST
def replay_stop(request: PageRequest, pk: str) -> HttpResponse:
    made = get_object_or_404(Replay.objects.visible_to(request.user), pk=pk)
    stop(made, user=request.user)
    return redirect("playground:replay-detail", made.pk)


def _frame(request: PageRequest, prompt: ChatPrompt) -> dict[str, Any]:
    return {
        **within(request, prompt.chat.playground.use_case, tab="chat"),
        "playground": prompt.chat.playground,
        "prompt": prompt,
        "chat_url": at(prompt),
    }
