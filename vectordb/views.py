"""Datasets and their documents."""

from django.contrib import messages
from django.db.models import Count, Sum
from django.http import FileResponse, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import ConfirmForm
from accounts.models import UseCase
from accounts.pages import PageRequest, within
from accounts.services import require_editor
from config.pages import errors_on, form_response
from vectordb import services
from vectordb.files import stored_path
from vectordb.forms import DatasetForm, NewDatasetForm, ReplaceForm, UploadForm
from vectordb.models import Dataset, Document
from vectordb.permissions import require_dataset_editor

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def source_list(request: PageRequest, pk: str) -> HttpResponse:
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    datasets = use_case.datasets.annotate(
        documents_count=Count("documents"), bytes=Sum("documents__size")
    )
    context = {
        **within(request, use_case, tab="sources"),
        "datasets": datasets,
        "databases": use_case.vector_databases.all(),
    }
    return render(request, "vectordb/sources.html", context)


@_FORM
def dataset_create(request: PageRequest, pk: str) -> HttpResponse:
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    require_editor(use_case, request.user)
    form = NewDatasetForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        with errors_on(form):
            name = form.cleaned_data["name"]
            dataset = services.create_dataset(user=request.user, name=name, use_case=use_case)
            _add(request, dataset, form)
            return redirect("vectordb:dataset-detail", dataset.pk)
    context = {**within(request, use_case, tab="sources"), "cancel_url": "../../sources/"}
    return form_response(request, form, title="New dataset", submit="Upload", context=context)


@require_safe
def dataset_detail(request: PageRequest, pk: str) -> HttpResponse:
    dataset = _dataset(request, pk)
    use_case = _use_case_of(request, dataset)
    databases = use_case.vector_databases.filter(dataset=dataset) if use_case else ()
    context = {
        **(within(request, use_case, tab="sources") if use_case else {}),
        "can_edit": Dataset.objects.editable_by(request.user).filter(pk=pk).exists(),
        "dataset": dataset,
        "crumb": dataset.name,
        "documents": dataset.documents.all(),
        "databases": databases,
        "form": UploadForm(),
    }
    return render(request, "vectordb/dataset.html", context)


@require_POST
def document_upload(request: PageRequest, pk: str) -> HttpResponse:
    """With `Accept: application/json` (the page's script sends file by file) errors come back as
    data, else as messages on the page."""
    dataset = _dataset(request, pk)
    form = UploadForm(request.POST, request.FILES)
    is_script = request.headers.get("Accept") == "application/json"
    if not form.is_valid():
        if is_script:
            return JsonResponse({"files": [], "error": "Choose at least one file."}, status=422)
        messages.error(request, "Choose at least one file.")
        return redirect("vectordb:dataset-detail", pk)
    if is_script:
        files = form.cleaned_data["files"]
        added = services.add_files(dataset, user=request.user, files=files)
        rows = [{"name": one.name, "error": one.error} for one in added]
        return JsonResponse({"files": rows})
    _add(request, dataset, form)
    return redirect("vectordb:dataset-detail", pk)


def _add(request: PageRequest, dataset: Dataset, form: UploadForm) -> None:
    files = form.cleaned_data["files"]
    for added in services.add_files(dataset, user=request.user, files=files):
        if added.error:
            messages.error(request, f"{added.name}: {added.error}")


@_FORM
def dataset_rename(request: PageRequest, pk: str) -> HttpResponse:
    dataset = _dataset(request, pk)
    form = DatasetForm(request.POST or None, initial={"name": dataset.name})
    if form.is_valid():
        with errors_on(form):
            services.rename_dataset(dataset, user=request.user, name=form.cleaned_data["name"])
            return redirect("vectordb:dataset-detail", pk)
    context = {"cancel_url": ".."}
    return form_response(request, form, title="Rename dataset", submit="Save", context=context)


@_FORM
def dataset_delete(request: PageRequest, pk: str) -> HttpResponse:
    dataset = _dataset(request, pk)
    use_case = _use_case_of(request, dataset)
    if request.method == "POST":
        services.delete_dataset(dataset, user=request.user)
        if use_case is None:
            return redirect("playground:home")
        return redirect("vectordb:source-list", use_case.pk)
    context = {
        "note": f"“{dataset.name}” and its files are deleted. "
        "Vector databases that were built from it stay.",
        "is_danger": True,
        "cancel_url": "..",
    }
    return form_response(
        request, ConfirmForm(), title="Delete this dataset?", submit="Delete", context=context
    )


@_FORM
def document_replace(request: PageRequest, pk: str) -> HttpResponse:
    document = _document(request, pk)
    require_dataset_editor(document.dataset, request.user)
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = ReplaceForm(*sent)
    if form.is_valid():
        with errors_on(form):
            upload = form.cleaned_data["file"]
            services.replace_document(document, user=request.user, upload=upload)
            return redirect("vectordb:dataset-detail", document.dataset_id)
    context = {
        "note": f"The new file takes the place of “{document.name}” here and in every vector "
        "database, which find the old text until the new one is brought in. Chunks that were "
        "edited by hand are edited again where the new file has the same passage.",
        "cancel_url": f"/datasets/{document.dataset_id}/",
    }
    return form_response(
        request, form, title="Replace this document", submit="Replace", context=context
    )


@_FORM
def document_delete(request: PageRequest, pk: str) -> HttpResponse:
    document = _document(request, pk)
    if request.method == "POST":
        services.delete_document(document, user=request.user)
        return redirect("vectordb:dataset-detail", document.dataset_id)
    context = {
        "note": f"“{document.name}” is deleted, and its chunks in every vector database with it.",
        "is_danger": True,
        "cancel_url": f"/datasets/{document.dataset_id}/",
    }
    return form_response(
        request, ConfirmForm(), title="Delete this document?", submit="Delete", context=context
    )


@require_safe
def document_file(request: PageRequest, pk: str) -> FileResponse:
    """The original, always as a download: the browser must not show what somebody uploaded."""
    document = _document(request, pk)
    response = FileResponse(
        stored_path(document.stored_name).open("rb"), as_attachment=True, filename=document.name
    )
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _dataset(request: PageRequest, pk: str) -> Dataset:
    return get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk)


def _document(request: PageRequest, pk: str) -> Document:
    documents = Document.objects.visible_to(request.user).select_related("dataset")
    return get_object_or_404(documents, pk=pk)


def _use_case_of(request: PageRequest, dataset: Dataset) -> UseCase | None:
    """The one whose frame its page is shown in; a dataset may stand in several, or in none."""
    return dataset.use_cases.filter(memberships__user=request.user).first()
