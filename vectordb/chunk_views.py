"""The chunk browser: what searches find of a document, and what editors make of it."""

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, within
from accounts.services import require_editor
from config.pages import errors_on, form_response
from vectordb import services
from vectordb.chunk_browser import LARGEST_NUMBER, Wanted, browse
from vectordb.forms import ChunkForm, NewChunkForm
from vectordb.models import CHUNKS_PER_DOCUMENT, VectorDatabase
from vectordb.page_lookups import visible_database, whole_number

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def chunk_list(request: PageRequest, pk: str, number: int) -> HttpResponse:
    """All of a document's chunks, a page at a time: `?from=` an id, `?q=` in the text, `?only=changed`."""
    return _listed(request, visible_database(request, pk), number, request.GET)


@_FORM
def chunk_create(request: PageRequest, pk: str, number: int) -> HttpResponse:
    database = visible_database(request, pk)
    require_editor(database.use_case, request.user)
    get_object_or_404(database.ingestions, number=min(number, LARGEST_NUMBER))
    form = NewChunkForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            added = services.add_chunk(database, number, user=request.user, **form.cleaned_data)
            return redirect(_list_url(database, added.chunk_id))
    note = "Searches find it like the chunks of the document, and answers cite it."
    return _form(request, database, form, number, title="Add a chunk", submit="Add", note=note)


@_FORM
def chunk_edit(request: PageRequest, pk: str, chunk_id: int) -> HttpResponse:
    database = visible_database(request, pk)
    require_editor(database.use_case, request.user)
    text = services.chunk_text(database, chunk_id)
    seen = services.revision_of(text)
    form = ChunkForm(request.POST or None, initial={"text": text, "seen": seen})
    if form.is_valid():
        with errors_on(form):
            services.edit_chunk(database, chunk_id, user=request.user, **form.cleaned_data)
            return redirect(_list_url(database, chunk_id))
    note = "The document itself stays as it is; you can go back to its text."
    number = chunk_id // CHUNKS_PER_DOCUMENT
    return _form(request, database, form, number, title="Edit the chunk", submit="Save", note=note)


@require_POST
def chunk_switch(request: PageRequest, pk: str, chunk_id: int) -> HttpResponse:
    """Into the searches with `enabled`, else out of them."""
    database = visible_database(request, pk)
    services.switch_chunk(
        database, chunk_id, user=request.user, is_enabled="enabled" in request.POST
    )
    return _changed(request, database, chunk_id)


@require_POST
def chunk_restore(request: PageRequest, pk: str, chunk_id: int) -> HttpResponse:
    database = visible_database(request, pk)
    services.restore_chunk(database, chunk_id, user=request.user)
    return _changed(request, database, chunk_id)


@_FORM
def chunk_delete(request: PageRequest, pk: str, chunk_id: int) -> HttpResponse:
    """One that was added by hand."""
    database = visible_database(request, pk)
    require_editor(database.use_case, request.user)
    services.chunk_text(database, chunk_id)
    number = chunk_id // CHUNKS_PER_DOCUMENT
    if request.method == "POST":
        services.delete_chunk(database, chunk_id, user=request.user)
        return redirect("vectordb:chunk-list", database.pk, number)
    context = {
        **within(request, database.use_case, tab="sources"),
        "note": "Searches do not find it any more. Answers keep the passages that they cite.",
        "is_danger": True,
        "cancel_url": _list_url(database, chunk_id),
    }
    return form_response(
        request, ConfirmForm(), title="Delete this chunk?", submit="Delete", context=context
    )


def _changed(request: PageRequest, database: VectorDatabase, chunk_id: int) -> HttpResponse:
    """The list where it was, for the page's script."""
    if not request.htmx:
        return redirect(_list_url(database, chunk_id))
    return _listed(request, database, chunk_id // CHUNKS_PER_DOCUMENT, request.POST)


def _listed(
    request: PageRequest, database: VectorDatabase, number: int, asked: QueryDict
) -> HttpResponse:
    wanted = Wanted(
        start=whole_number(asked.get("from", "")) or 0,
        text=asked.get("q", "").replace("\0", "").strip(),
        is_changed=asked.get("only") == "changed",
    )
    listed = browse(database, number, wanted)
    if listed is None:
        raise Http404
    context = {
        **within(request, database.use_case, tab="sources"),
        "database": database,
        "crumb": database.name,
        "number": number,
        "wanted": wanted,
        "listed": listed,
        "url": reverse("vectordb:chunk-list", args=[database.pk, number]),
        "kept": _query(wanted),
    }
    template = "_chunks.html" if request.htmx else "chunks.html"
    return render(request, f"vectordb/{template}", context)


def _query(wanted: Wanted) -> str:
    """What goes on when the pages are turned."""
    query = {"q": wanted.text} if wanted.text else {}
    return urlencode(query | ({"only": "changed"} if wanted.is_changed else {}))


def _form(
    request: PageRequest,
    database: VectorDatabase,
    form: ChunkForm | NewChunkForm,
    number: int,
    *,
    title: str,
    submit: str,
    note: str,
) -> HttpResponse:
    context = {
        **within(request, database.use_case, tab="sources"),
        "note": note,
        "cancel_url": reverse("vectordb:chunk-list", args=[database.pk, number]),
    }
    return form_response(request, form, title=title, submit=submit, context=context)


def _list_url(database: VectorDatabase, chunk_id: int) -> str:
    """The list that begins with the chunk."""
    url = reverse("vectordb:chunk-list", args=[database.pk, chunk_id // CHUNKS_PER_DOCUMENT])
    return f"{url}?{urlencode({'from': chunk_id})}#chunk-{chunk_id}"
