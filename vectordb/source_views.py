"""A passage in its document: in the text around it, and on the page that it stands on."""

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from accounts.pages import PageRequest, within
from config.errors import AppError
from vectordb import edited_chunks, pdf_pages
from vectordb.models import CHUNKS_PER_DOCUMENT, Chunk, Document
from vectordb.page_lookups import visible_database, whole_number
from vectordb.source_links import passage_url, places_url
from vectordb.source_text import AnyChunk, divided, source_text

_DAY_SECONDS = 86_400


@require_safe
def chunk_detail(request: PageRequest, pk: str, chunk_id: int) -> HttpResponse:
    """The chunk in its document; with `?start=…&end=…`, what stands between these offsets of it."""
    database = visible_database(request, pk)
    start, end = _offset(request, "start"), _offset(request, "end")
    try:
        source = source_text(database, chunk_id, start=start, end=end)
    except Chunk.DoesNotExist:
        raise Http404 from None
    document = _document(request, source.chunk)
    context = {
        **within(request, database.use_case, tab="sources"),
        "database": database,
        "crumb": database.name,
        "source": source,
        "name": source.chunk.metadata.get("source", ""),
        "page": source.chunk.page,
        "number": chunk_id // CHUNKS_PER_DOCUMENT,
        "document": document,
        "places_url": places_url(source.chunk, document, start=start, end=end),
    }
    return render(request, "vectordb/chunk.html", context)


@require_safe
def chunk_places(request: PageRequest, pk: str, chunk_id: int) -> HttpResponse:
    """Where the same passage stands on its page, for the page's script."""
    database = visible_database(request, pk)
    chunk = edited_chunks.find(database.pk, chunk_id)
    if chunk is None:
        raise Http404
    edit = database.chunk_edits.filter(chunk_id=chunk_id).first()
    if edit is not None and edit.original:
        chunk.text, chunk.is_edited = edit.original, False
    document = _document(request, chunk)
    if document is None or chunk.page is None or not pdf_pages.has_pages(document):
        raise Http404
    if not request.htmx:
        return redirect(passage_url(chunk))
    _, text, _ = divided(chunk, _offset(request, "start"), _offset(request, "end"))
    try:
        places = pdf_pages.places(document, chunk.page, text, getattr(request, "has_left", bool))
    except AppError as error:
        return render(request, "vectordb/_places.html", {"problem": error.message})
    return render(request, "vectordb/_places.html", {"places": places})


@require_safe
def document_page(request: PageRequest, pk: str, page: int) -> HttpResponseBase:
    """A page of a PDF as a picture."""
    document = get_object_or_404(Document.objects.visible_to(request.user), pk=pk)
    tag = pdf_pages.etag(document, page)
    unchanged = get_conditional_response(request, etag=tag)
    if unchanged is not None:
        return unchanged
    content = pdf_pages.picture(document, page, getattr(request, "has_left", bool))
    response = HttpResponse(content, content_type="image/png")
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = f"private, max-age={_DAY_SECONDS}"
    return response


def _offset(request: PageRequest, name: str) -> int | None:
    return whole_number(request.GET.get(name, ""))


def _document(request: PageRequest, chunk: AnyChunk) -> Document | None:
    """The original, while it is there and the reader may see it."""
    return Document.objects.visible_to(request.user).filter(pk=chunk.document_id).first()
