"""A dataset from an address. It may be killed at any moment and run again from the start."""

from collections.abc import Callable, Sequence

from django.utils import timezone

from config.errors import AppError
from config.notify import publish
from config.status import UNFINISHED, Status
from vectordb.fetching import fetch
from vectordb.interruption import Interrupted
from vectordb.models import Dataset
from vectordb.uploads import AddedFile, add_content, without_unreadable

# Of a ZIP of a thousand files that cannot be read, so many are named.
_MOST_TOLD = 10


def run(dataset_id: str, url: str, *, should_end: Callable[[], bool]) -> None:
    """Fetch what the dataset waits for, and say how it ended. Raises Interrupted soon after
    `should_end` says so."""
    waiting = Dataset.objects.filter(pk=dataset_id, status__in=UNFINISHED)
    waiting.update(status=Status.RUNNING)
    dataset = waiting.select_related("created_by").first()
    if dataset is None:
        return

    def check() -> None:
        if should_end():
            raise Interrupted

    try:
        with fetch(url, check=check) as file:
            added = add_content(
                dataset,
                user=dataset.created_by,
                name=file.name,
                blocks=file.blocks,
                sample_rows=dataset.sample_rows,
            )
            settle(dataset, list(added))
    except AppError as error:
        _end(dataset, Status.ERROR, error.message)


def fail(dataset_id: str) -> None:
    """Leave nothing unfinished behind when the job itself broke."""
    dataset = Dataset.objects.filter(pk=dataset_id, status__in=UNFINISHED).first()
    if dataset is not None:
        _end(dataset, Status.ERROR, "Something went wrong on our side. Try again.")


def settle(dataset: Dataset, added: Sequence[AddedFile]) -> None:
    """Open the files and say how the upload ended: what was left out, and ERROR when that was
    everything."""
    added = without_unreadable(added)
    is_there = any(file.document for file in added)
    problems = [f"{file.name}: {file.error}" for file in added if file.error]
    more = f" And {len(problems) - _MOST_TOLD} more." if len(problems) > _MOST_TOLD else ""
    message = " ".join(problems[:_MOST_TOLD]) + more
    if is_there:
        _end(dataset, Status.COMPLETED, message)
    else:
        _end(dataset, Status.ERROR, message or "There is no document in it.")


def _end(dataset: Dataset, status: Status, message: str) -> None:
    # It may have been deleted meanwhile.
    Dataset.objects.filter(pk=dataset.pk).update(
        status=status, error_message=message, updated_at=timezone.now()
    )
    dataset.status, dataset.error_message = status, message
    publish(topic=f"dataset:{dataset.pk}", event="dataset", data={"dataset": dataset.pk})
