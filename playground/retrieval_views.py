"""The retrieval page: asking a vector database itself, and reading how it came to what it found."""

import json
from typing import Any

from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.pages import PageRequest, within
from config.pages import errors_on
from playground import retrieval_tests
from playground.models import RetrievalSide, RetrievalTest
from playground.retrieval_forms import LEFT, RIGHT, RetrievalForms
from playground.retrieval_results import results_of
from playground.retrieval_sources import Source, sources_of
from vectordb.models import VectorDatabase

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@_FORM
def vector_database_retrieval(request: PageRequest, pk: str) -> HttpResponse:
    """A new test, filled in `?from=` a blueprint or a trace; `load` fills one side in again."""
    databases = VectorDatabase.objects.visible_to(request.user).select_related("use_case")
    database = get_object_or_404(databases, pk=pk)
    sources = sources_of(database.use_case, _wanted(request))
    if request.method != "POST":
        forms = RetrievalForms.new(database, sources, request.GET.get("from", ""))
        return _page(request, database, forms)
    side = request.POST.get("load")
    if side in {LEFT, RIGHT}:
        return _refilled(request, side, database, sources)
    forms = RetrievalForms.sent(request.POST, database, sources)
    if forms.is_valid():
        with errors_on(forms.question):
            test = retrieval_tests.create_test(
                user=request.user,
                database=database,
                # Browsers send line breaks of text areas as CR LF.
                text=forms.question.cleaned_data["text"].replace("\r\n", "\n"),
                metadata_filter=forms.question.cleaned_data["metadata_filter"],
                sides=forms.wishes(),
            )
            return redirect("playground:retrieval-test-detail", test.pk)
    return _page(request, database, forms, status=422)


@require_safe
def retrieval_test_detail(request: PageRequest, pk: str) -> HttpResponse:
    """A test with its results; for the page's script, which asks until it is done, these alone."""
    tests = RetrievalTest.objects.visible_to(request.user).select_related(
        "vector_database__use_case", "created_by"
    )
    test = get_object_or_404(tests.prefetch_related("sides"), pk=pk)
    context: dict[str, Any] = {"test": test, "results": results_of(test)}
    if request.htmx:
        return render(request, "playground/_retrieval_test.html", context)
    database = test.vector_database
    sources = sources_of(database.use_case, [side.source_id for side in test.sides.all()])
    context |= {
        **_frame(request, database),
        "forms": RetrievalForms.again(test, sources),
        "filter_text": json.dumps(test.metadata_filter, ensure_ascii=False)
        if test.metadata_filter
        else "",
    }
    return render(request, "playground/retrieval_test.html", context)


def _wanted(request: PageRequest) -> list[str]:
    sent = [request.POST.get(f"{side}-source", "") for side in (LEFT, RIGHT)]
    return [*sent, request.GET.get("from", "")]


def _refilled(
    request: PageRequest, side: str, database: VectorDatabase, sources: dict[str, Source]
) -> HttpResponse:
    forms = RetrievalForms.refilled(request.POST, side, database, sources)
    if not request.htmx:
        return _page(request, database, forms)
    form = forms.left if side == LEFT else forms.right
    return render(request, "playground/_retrieval_fields.html", {"form": form})


def _page(
    request: PageRequest, database: VectorDatabase, forms: RetrievalForms, *, status: int = 200
) -> HttpResponse:
    own = RetrievalTest.objects.filter(vector_database=database, created_by=request.user)
    sides = RetrievalSide.objects.defer("passages", "explain")
    context = {
        **_frame(request, database),
        "forms": forms,
        "tests": own.prefetch_related(Prefetch("sides", queryset=sides)),
    }
    return render(request, "playground/retrieval.html", context, status=status)


def _frame(request: PageRequest, database: VectorDatabase) -> dict[str, Any]:
    return {
        **within(request, database.use_case, tab="sources"),
        "database": database,
        "crumb": database.name,
    }
