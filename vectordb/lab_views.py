"""The chunking lab: a document, cut in two ways, side by side."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import UseCase
from accounts.pages import PageRequest, within
from config.errors import Forbidden
from config.pages import errors_on
from config.status import UNFINISHED
from vectordb import services
from vectordb.chunking_settings import ChunkingSettings
from vectordb.forms import ChunkingForm, query_of
from vectordb.lab_figures import Figures
from vectordb.models import Dataset, Document, TrialCut
from vectordb.trial_cuts import KEPT, MOST_CHARACTERS, MOST_SECONDS, Outcome, settings_of_trial

# The sides, and how the second differs at first.
_SIDES: dict[str, dict[str, Any]] = {
    "left": {},
    "right": {"chunk_size": 128, "chunk_overlap_percentage": 20},
}
_MOST_DOCUMENTS = 500
_CHUNKS_AT_ONCE = 40
_LONGEST_NUMBER = 10


@dataclass(frozen=True, slots=True)
class _Side:
    name: str
    form: ChunkingForm
    chunking: ChunkingSettings | None


@require_http_methods(["GET", "HEAD", "POST"])
def lab(request: PageRequest, pk: str) -> HttpResponse:
    """What is compared stands in the address, so that it can be reloaded and shared. Looking at one
    begins no work, wherever the link stood: sending the form does."""
    dataset = get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk)
    is_sent = request.method == "POST"
    fields = request.POST if is_sent else request.GET
    documents = dataset.documents.all()
    document = _chosen(fields, documents)
    sides = [_side(fields, name) for name in _SIDES]
    shown: list[dict[str, Any]] = []
    refusal = ""
    if document is not None and all(side.chunking is not None for side in sides):
        if not is_sent:
            shown = [_tried(request, document, side) for side in sides]
        elif not (refusal := _refusal(request, document, sides)):
            return redirect(f"{request.path}?{_address(request.POST)}#compared")
    count = documents.count()
    context = {
        **_frame(request, dataset),
        "dataset": dataset,
        "crumb": dataset.name,
        "document": document,
        "documents": _listed(documents, document),
        "left_out": max(0, count - _MOST_DOCUMENTS),
        "sides": sides,
        "shown": shown,
        "refusal": refusal,
        "limits": _LIMITS,
    }
    is_wrong = any(side.form.errors for side in sides)
    status = 422 if is_wrong else 403 if refusal else 200
    return render(request, "vectordb/lab.html", context, status=status)


@require_safe
def trial(request: PageRequest, pk: str, trial_pk: str) -> HttpResponse:
    """One side as it stands, for the page's script, or its chunks `after` so many."""
    dataset = get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk)
    trials = TrialCut.objects.filter(asked_by=request.user, document__dataset=dataset)
    found = get_object_or_404(trials.select_related("document__dataset"), pk=trial_pk)
    if not request.htmx:
        return redirect("vectordb:dataset-lab", pk)
    side = request.GET.get("side", "")
    context = _frame(request, dataset) | _shown(
        request, found, side if side in _SIDES else next(iter(_SIDES))
    )
    template = "vectordb/_trial_chunks.html" if "after" in request.GET else "vectordb/_trial.html"
    return render(request, template, context)


_LIMITS = {
    "characters": MOST_CHARACTERS,
    "seconds": round(MOST_SECONDS),
    "hours": KEPT.total_seconds() // 3600,
}


def _chosen(fields: QueryDict, documents: QuerySet[Document]) -> Document | None:
    """The document that is named, else the first; None in an empty dataset."""
    if "document" in fields:
        return get_object_or_404(documents, pk=fields["document"])
    return documents.first()


def _listed(documents: QuerySet[Document], chosen: Document | None) -> list[Document]:
    listed = list(documents[:_MOST_DOCUMENTS])
    return listed if chosen is None or chosen in listed else [chosen, *listed]


def _address(sent: QueryDict) -> str:
    """What was sent, as a part of the address; but for the proof of who sent it."""
    fields = sent.copy()
    fields.pop("csrfmiddlewaretoken", None)
    return fields.urlencode()


def _side(fields: QueryDict, name: str) -> _Side:
    """Its form, and what it says, if it says something possible."""
    is_given = any(key.startswith(f"{name}-") for key in fields)
    form = ChunkingForm(fields if is_given else None, prefix=name, initial=_SIDES[name])
    chunking = None
    if form.is_valid():
        with errors_on(form):
            chunking = form.chunking()
    return _Side(name, form, chunking)


def _refusal(request: PageRequest, document: Document, sides: list[_Side]) -> str:
    """Why the sides may not be cut; "" once they will be."""
    chunkings = [side.chunking for side in sides if side.chunking is not None]
    try:
        services.try_chunkings(document, user=request.user, chunkings=chunkings)
    except Forbidden as error:
        return error.message
    return ""


def _tried(request: PageRequest, document: Document, side: _Side) -> dict[str, Any]:
    """What the reader had cut; of a side that was not, its name alone."""
    found = None
    if side.chunking is not None:
        found = services.trial_of(document, user=request.user, chunking=side.chunking)
    return _shown(request, found, side.name) if found else {"side": side.name}


def _shown(request: PageRequest, trial: TrialCut, side: str) -> dict[str, Any]:
    chunking = settings_of_trial(trial)
    common = {
        "side": side,
        "trial": trial,
        "is_unfinished": trial.status in UNFINISHED,
        "query": urlencode(query_of(chunking)),
        "limits": _LIMITS,
    }
    if trial.outcome is None:
        return common
    outcome = Outcome.from_json(trial.outcome)
    given = request.GET.get("after", "")
    after = int(given) if given.isdecimal() and len(given) < _LONGEST_NUMBER else 0
    until = after + _CHUNKS_AT_ONCE
    return common | {
        "outcome": outcome,
        "chunks": outcome.chunks[after:until],
        "until": until,
        "left": max(0, len(outcome.chunks) - until),
        "figures": Figures.of(outcome, chunking, trial.document),
    }


def _frame(request: PageRequest, dataset: Dataset) -> dict[str, Any]:
    """The use case that its pages are shown in, if it stands in one that the reader sees."""
    use_case = UseCase.objects.visible_to(request.user).filter(datasets=dataset).first()
    if use_case is None:
        return {"dataset": dataset}
    build = reverse("vectordb:vector-database-create", args=[use_case.pk, dataset.pk])
    return {**within(request, use_case, tab="sources"), "dataset": dataset, "build_url": build}
