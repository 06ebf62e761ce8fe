"""One call with all that it consists of, and all the calls of a session."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.pages import PageRequest, within
from tracing.models import Log, Session
from tracing.reading import question_of
from tracing.trees import Tree, session_trace, step_of, trace_of
from vectordb.models import VectorDatabase


@require_safe
def log_detail(request: PageRequest, pk: str) -> HttpResponse:
    """The whole tree of the call, whichever of its logs is named. `?step=ID` has the contents of this
    one told, also in a long trace: by itself for htmx, which shows it in the side sheet."""
    logs = Log.objects.visible_to(request.user).select_related("use_case")
    log = get_object_or_404(logs, pk=pk)
    root_id = log.root_id or log.pk
    if "step" in request.GET:
        return _step(request, log, root_id)
    return _trace(request, log, trace_of(root_id))


@require_safe
def session_detail(request: PageRequest, pk: str) -> HttpResponse:
    """All its calls, as one trace. `?step=ID` is as a trace's."""
    sessions = Session.objects.visible_to(request.user).select_related("use_case")
    session = get_object_or_404(sessions, pk=pk)
    if "step" in request.GET:
        logs = Log.objects.filter(use_case=session.use_case).select_related("use_case")
        log = get_object_or_404(logs, pk=request.GET["step"])
        return _step(request, log, log.root_id or log.pk)
    context = {
        **within(request, session.use_case, tab="traces"),
        "session": session,
        "tree": session_trace(session),
        "crumb": "Session",
    }
    return render(request, "tracing/session_detail.html", context)


def _step(request: PageRequest, log: Log, root_id: str) -> HttpResponse:
    told = step_of(root_id, request.GET["step"])
    if told is None:
        raise Http404
    if request.htmx:
        return render(request, "tracing/_step.html", {"node": told})
    tree = trace_of(root_id)
    for node in tree.nodes:
        if node.log.pk == told.log.pk:
            node.span = told.span
    return _trace(request, log, tree)


def _trace(request: PageRequest, log: Log, tree: Tree) -> HttpResponse:
    root = tree.root
    if tree.is_long and (told := step_of(root.log.pk, root.log.pk)):
        root.log, root.span = told.log, told.span
    database_id = root.span.database_id if root.span else ""
    context = {
        **within(request, log.use_case, tab="traces"),
        "tree": tree,
        "question": root.span.question if root.span else question_of(root.log),
        "database": VectorDatabase.objects.filter(pk=database_id, use_case=log.use_case).first(),
        "crumb": "Trace",
    }
    return render(request, "tracing/log_detail.html", context)
