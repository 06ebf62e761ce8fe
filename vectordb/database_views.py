"""Vector databases: building them, watching that, and looking at the result."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import ConfirmForm
from accounts.models import UseCase
from accounts.pages import PageRequest, within
from accounts.services import require_editor
from config.pages import errors_on, form_response
from vectordb import services
from vectordb.forms import BuildForm, DatasetForm, VersionForm
from vectordb.ingestion_progress import Progress
from vectordb.models import Dataset, Document
from vectordb.page_lookups import visible_database

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@_FORM
def vector_database_create(request: PageRequest, pk: str, dataset_pk: str) -> HttpResponse:
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    dataset = get_object_or_404(
        Dataset.objects.visible_to(request.user).filter(use_cases=use_case), pk=dataset_pk
    )
    require_editor(use_case, request.user)
    form = BuildForm(request.POST) if request.POST else BuildForm.prefilled(request.GET)
    if form.is_valid():
        with errors_on(form):
            database = services.create_vector_database(
                user=request.user,
                use_case=use_case,
                dataset=dataset,
                name=form.cleaned_data["name"],
                chunking=form.chunking(),
            )
            return redirect("vectordb:vector-database-detail", database.pk)
    context = {
        **within(request, use_case, tab="sources"),
        "cancel_url": f"/datasets/{dataset.pk}/",
        "note": f"Every document of “{dataset.name}” is cut into chunks, and each chunk embedded.",
        "link": {
            "url": reverse("vectordb:dataset-lab", args=[dataset.pk]),
            "text": "Try chunking on one of them first",
        },
    }
    return form_response(
        request, form, title="Build a vector database", submit="Build", context=context
    )


@_FORM
def vector_database_rebuild(request: PageRequest, pk: str) -> HttpResponse:
    """The next version, beside the one that is in use."""
    database = visible_database(request, pk)
    require_editor(database.use_case, request.user)
    form = VersionForm(request.POST or None, parent=database)
    if form.is_valid():
        with errors_on(form):
            version = services.rebuild_vector_database(
                database,
                user=request.user,
                chunking=form.chunking(),
                name=form.cleaned_data["name"],
                updates_blueprints=form.cleaned_data["updates_blueprints"],
            )
            return redirect("vectordb:vector-database-detail", version.pk)
    context = {
        **within(request, database.use_case, tab="sources"),
        "cancel_url": "..",
        "note": f"All documents of “{database.name}” are cut and embedded anew. It stays as it is, "
        "to be gone back to.",
    }
    return form_response(
        request, form, title="Build the next version", submit="Build", context=context
    )


@require_safe
def vector_database_detail(request: PageRequest, pk: str) -> HttpResponse:
    database = visible_database(request, pk)
    context = {
        **within(request, database.use_case, tab="sources"),
        "database": database,
        "crumb": database.name,
        "progress": Progress.of(database),
        "new_documents": services.new_documents(database, user=request.user),
    }
    return render(request, "vectordb/vector_database.html", context)


@require_safe
def vector_database_progress(request: PageRequest, pk: str) -> HttpResponse:
    """What moves on the page, for its script; `?brief` is the single line that a chat shows."""
    database = visible_database(request, pk)
    template = "vectordb/_brief.html" if "brief" in request.GET else "vectordb/_progress.html"
    context = {
        **within(request, database.use_case, tab="sources"),
        "database": database,
        "progress": Progress.of(database),
    }
    return render(request, template, context)


@require_POST
def vector_database_cancel(request: PageRequest, pk: str) -> HttpResponse:
    services.cancel_ingestion(visible_database(request, pk), user=request.user)
    return redirect("vectordb:vector-database-detail", pk)


@require_POST
def vector_database_retry(request: PageRequest, pk: str) -> HttpResponse:
    """All documents that failed, or the one that is named."""
    database = visible_database(request, pk)
    document = None
    if "document" in request.POST:
        documents = Document.objects.filter(ingestions__vector_database=database)
        document = get_object_or_404(documents, pk=request.POST["document"])
    services.retry_ingestion(database, user=request.user, document=document)
    return redirect("vectordb:vector-database-detail", pk)


@require_POST
def vector_database_bring_in(request: PageRequest, pk: str) -> HttpResponse:
    """The documents that came to its dataset since it was built."""
    services.bring_in_new_documents(visible_database(request, pk), user=request.user)
    return redirect("vectordb:vector-database-detail", pk)


@_FORM
def vector_database_rename(request: PageRequest, pk: str) -> HttpResponse:
    database = visible_database(request, pk)
    form = DatasetForm(request.POST or None, initial={"name": database.name})
    if form.is_valid():
        with errors_on(form):
            services.rename_vector_database(
                database, user=request.user, name=form.cleaned_data["name"]
            )
            return redirect("vectordb:vector-database-detail", pk)
    context = {**within(request, database.use_case, tab="sources"), "cancel_url": ".."}
    return form_response(
        request, form, title="Rename vector database", submit="Save", context=context
    )


@_FORM
def vector_database_delete(request: PageRequest, pk: str) -> HttpResponse:
    database = visible_database(request, pk)
    if request.method == "POST":
        services.delete_vector_database(database, user=request.user)
        return redirect("vectordb:source-list", database.use_case_id)
    context = {
        **within(request, database.use_case, tab="sources"),
        "note": f"“{database.name}” and its {database.chunks_count:,} chunks are deleted. "
        "Answers keep the passages that they cite; blueprints that use it need another.",
        "is_danger": True,
        "cancel_url": "..",
    }
    return form_response(
        request, ConfirmForm(), title="Delete this database?", submit="Delete", context=context
    )
