"""The chunking lab: a document, cut in two ways, side by side."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

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


@require_safe
def lab(request: PageRequest, pk: str) -> HttpResponse:
    """Everything that is compared stands in the address, so that it can be reloaded and shared."""
    dataset = get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk)
    documents = dataset.documents.all()
    document = _chosen(request, documents)
    sides = [_side(request, name) for name in _SIDES]
    chunkings = [side.chunking for side in sides if side.chunking is not None]
    shown: list[dict[str, Any]] = []
    refusal = ""
    if document is not None and len(chunkings) == len(sides):
        try:
            trials = services.try_chunkings(document, user=request.user, chunkings=chunkings)
        except Forbidden as error:
            refusal = error.message
        else:
            shown = [
                _shown(request, trial, side.name) for trial, side in zip(trials, sides, strict=True)
            ]
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


def _chosen(request: PageRequest, documents: QuerySet[Document]) -> Document | None:
    """The document in the address, else the first; None in an empty dataset."""
    if "document" in request.GET:
        return get_object_or_404(documents, pk=request.GET["document"])
    return documents.first()


def _listed(documents: QuerySet[Document], chosen: Document | None) -> list[Document]:
    listed = list(documents[:_MOST_DOCUMENTS])
    return listed if chosen is None or chosen in listed else [chosen, *listed]


def _side(request: PageRequest, name: str) -> _Side:
    """Its form, and what it says, if it says something possible."""
    is_given = any(key.startswith(f"{name}-") for key in request.GET)
    form = ChunkingForm(request.GET if is_given else None, prefix=name, initial=_SIDES[name])
    chunking = None
    if form.is_valid():
        with errors_on(form):
            chunking = form.chunking()
    return _Side(name, form, chunking)


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
