"""What can be done in the chunking lab. Callers take it from `services`."""

from collections.abc import Sequence
from dataclasses import asdict

from django.db import transaction

from accounts.models import User
from config.status import UNFINISHED, Status
from vectordb import tasks
from vectordb.chunking_settings import ChunkingSettings
from vectordb.models import Document, TrialCut
from vectordb.permissions import require_dataset_editor

# Of one user: settings that were tried before are shown again at once.
_MOST_KEPT = 20
_FAILED = (Status.ERROR, Status.CANCELLED)


@transaction.atomic
def try_chunkings(
    document: Document, *, user: User, chunkings: Sequence[ChunkingSettings]
) -> list[TrialCut]:
    """A trial for each of the settings; jobs cut the document. What was tried before is taken as it
    is, unless it failed.

    Nobody waits for two comparisons at once: whatever else the user's jobs were to cut is cancelled.
    Whoever sees the document may, but where its text is sent to a server elsewhere only those who may
    change the dataset: raises Forbidden.
    """
    if any(_sends_text(one) for one in chunkings):
        require_dataset_editor(document.dataset, user)
    own = TrialCut.objects.filter(asked_by=user)
    trials = [_trial(document, user, one, side) for side, one in enumerate(chunkings)]
    asked_for = [one.pk for one in trials]
    own.filter(status__in=UNFINISHED).exclude(pk__in=asked_for).update(
        status=Status.CANCELLED,
        error_message="Something else was compared meanwhile: press Compare to have it cut.",
    )
    # What is looked at may be older than all that was tried beside it.
    newest = own.values_list("pk", flat=True)[:_MOST_KEPT]
    own.exclude(pk__in=[*newest, *asked_for]).delete()
    return trials


def _sends_text(chunking: ChunkingSettings) -> bool:
    """The semantic method embeds sentences; other methods only count their tokens, here."""
    return chunking.is_semantic and not chunking.model.path


def trial_of(document: Document, *, user: User, chunking: ChunkingSettings) -> TrialCut | None:
    """What there is of the user's trials with these settings; one that failed only where there is no
    other."""
    trials = TrialCut.objects.filter(document=document, asked_by=user, chunking=asdict(chunking))
    return min(trials, key=lambda one: one.status in _FAILED, default=None)


def _trial(document: Document, user: User, chunking: ChunkingSettings, side: int) -> TrialCut:
    known = trial_of(document, user=user, chunking=chunking)
    if known is not None and known.status not in _FAILED:
        return known
    trial = TrialCut.objects.create(document=document, asked_by=user, chunking=asdict(chunking))
    tasks.enqueue_trial(trial.pk, side=side)
    return trial
