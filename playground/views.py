"""Home, use cases and playgrounds."""

from django.contrib import messages
from django.db.models import Count, Prefetch, Q, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import ConfirmForm
from accounts.models import Role, UseCase
from accounts.pages import PageRequest, within
from accounts.services import require_editor
from config.pages import errors_on, form_response
from playground import quick_start, services, use_cases
from playground.first_steps import first_steps, hide_first_steps
from playground.forms import PlaygroundForm, PlaygroundSettingsForm, QuickStartForm
from playground.models import Playground

_FORM = require_http_methods(["GET", "HEAD", "POST"])
_CHATS_COUNT = Count(
    "chats", filter=Q(chats__comparison=None, chats__is_frozen=False), distinct=True
)


@require_safe
def home(request: PageRequest) -> HttpResponse:
    playgrounds = Playground.objects.annotate(
        blueprints_count=Count("places", distinct=True), chats_count=_CHATS_COUNT
    )
    visible = UseCase.objects.visible_to(request.user).prefetch_related(
        Prefetch("playgrounds", queryset=playgrounds)
    )
    editable = UseCase.objects.editable_by(request.user)
    context = {
        "use_cases": visible,
        "editable": set(editable.values_list("pk", flat=True)),
        "first_steps": first_steps(request.user),
    }
    return render(request, "playground/home.html", context)


@require_POST
def first_steps_shown(request: PageRequest) -> HttpResponse:
    """Show or hide them, and go back to where they stand: `use_case`, else the start page."""
    are_hidden = request.POST.get("are_hidden") == "1"
    hide_first_steps(request.user, are_hidden=are_hidden)
    if are_hidden:
        messages.info(request, "Hidden. The menu under your name brings the first steps back.")
    elif not first_steps(request.user):
        messages.info(request, "You have taken all the first steps.")
    visible = UseCase.objects.visible_to(request.user)
    use_case = visible.filter(pk=request.POST.get("use_case", "")).first()
    if use_case is not None:
        return redirect("playground:use-case-detail", use_case.pk)
    return redirect("playground:home")


@require_safe
def use_case_detail(request: PageRequest, pk: str) -> HttpResponse:
    use_case = _use_case(request, pk)
    context = {
        **within(request, use_case, tab=""),
        "playgrounds": use_case.playgrounds.annotate(
            blueprints_count=Count("places", distinct=True),
            chats_count=_CHATS_COUNT,
        ),
        "datasets": use_case.datasets.annotate(
            documents_count=Count("documents"), bytes=Sum("documents__size")
        ),
        "databases": use_case.vector_databases.all(),
        "memberships": use_case.memberships.select_related("user").order_by("created_at"),
        "roles": Role,
        "first_steps": first_steps(request.user, use_case=use_case),
    }
    return render(request, "playground/use_case.html", context)


@_FORM
def use_case_delete(request: PageRequest, pk: str) -> HttpResponse:
    use_case = _use_case(request, pk)
    if request.method == "POST":
        use_cases.delete_use_case(use_case, user=request.user)
        messages.success(request, f"“{use_case.name}” was deleted.")
        return redirect("playground:home")
    context = {
        **within(request, use_case, tab=""),
        "note": f"“{use_case.name}” is deleted for all its members: playgrounds, chats, "
        "datasets that stand nowhere else, vector databases and traces.",
        "is_danger": True,
        "cancel_url": "..",
    }
    return form_response(
        request, ConfirmForm(), title="Delete this use case?", submit="Delete", context=context
    )


@_FORM
def playground_create(request: PageRequest, pk: str) -> HttpResponse:
    use_case = _use_case(request, pk)
    require_editor(use_case, request.user)
    form = PlaygroundForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            playground = services.create_playground(
                user=request.user, use_case=use_case, **form.cleaned_data
            )
            return redirect("playground:playground-detail", playground.pk)
    context = {**within(request, use_case, tab=""), "cancel_url": "../.."}
    return form_response(request, form, title="New playground", submit="Create", context=context)


@_FORM
def playground_rename(request: PageRequest, pk: str) -> HttpResponse:
    playground = _playground(request, pk)
    names = ("name", "description", "suggests_questions")
    initial = {name: getattr(playground, name) for name in names}
    form = PlaygroundSettingsForm(request.POST or None, initial=initial)
    if form.is_valid():
        with errors_on(form):
            services.update_playground(playground, user=request.user, **form.cleaned_data)
            return redirect("playground:playground-detail", pk)
    context = {**within(request, playground.use_case, tab="chat"), "cancel_url": ".."}
    return form_response(request, form, title="Playground settings", submit="Save", context=context)


@_FORM
def playground_delete(request: PageRequest, pk: str) -> HttpResponse:
    playground = _playground(request, pk)
    if request.method == "POST":
        services.delete_playground(playground, user=request.user)
        return redirect("playground:use-case-detail", playground.use_case_id)
    context = {
        **within(request, playground.use_case, tab="chat"),
        "note": f"“{playground.name}” is deleted with its chats, and with the blueprints that "
        "stand in no other playground. Sources stay.",
        "is_danger": True,
        "cancel_url": "..",
    }
    return form_response(
        request, ConfirmForm(), title="Delete this playground?", submit="Delete", context=context
    )


@require_POST
def playground_upload(request: PageRequest, pk: str) -> HttpResponse:
    """From files to something that can be asked, in one step."""
    playground = _playground(request, pk)
    form = QuickStartForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, "Choose at least one file.")
        return redirect("playground:playground-detail", pk)
    started = quick_start.from_files(
        playground, user=request.user, files=form.cleaned_data["files"]
    )
    for added in started.refused:
        messages.error(request, f"{added.name}: {added.error}")
    return redirect("playground:playground-detail", pk)


def _use_case(request: PageRequest, pk: str) -> UseCase:
    return get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)


def _playground(request: PageRequest, pk: str) -> Playground:
    playgrounds = Playground.objects.visible_to(request.user).select_related("use_case")
    return get_object_or_404(playgrounds, pk=pk)
