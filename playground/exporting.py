"""Writing a playground's traces into a dataset, so that they can be read, searched and evaluated."""

import io
import tempfile
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from config.errors import AppError, Conflict
from config.notify import publish
from config.status import UNFINISHED, Status
from playground.models import TraceExport
from playground.traces import write_csv
from vectordb import services as vectordb
from vectordb.models import Dataset


def topic(export_id: str) -> str:
    """Under which its end is published, as "ended"."""
    return f"trace_export:{export_id}"


def export(export_id: str) -> None:
    """Do the job, once: what was begun and broken off leaves nothing, so it may start over."""
    job = TraceExport.objects.select_related("playground__use_case", "created_by")
    found = job.filter(pk=export_id, status__in=UNFINISHED).first()
    if found is None:
        return
    TraceExport.objects.filter(pk=export_id, status=Status.NEW).update(status=Status.RUNNING)
    try:
        _export(found)
    except AppError as error:
        fail(export_id, error.message)


def fail(export_id: str, message: str) -> None:
    with transaction.atomic():
        TraceExport.objects.filter(pk=export_id, status__in=UNFINISHED).update(
            status=Status.ERROR, error_message=message
        )
        publish(topic=topic(export_id), event="ended", data={})


def _export(job: TraceExport) -> None:
    name = f"Traces of {job.playground.name}"[:150] + f" {job.created_at:%Y-%m-%d %H:%M:%S}"
    with tempfile.TemporaryFile() as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        if not write_csv(job.playground, text):
            raise Conflict("Nothing was asked in this playground yet: there is nothing to export.")
        upload = UploadedFile(file, f"{name}.csv", size=file.tell())
        with transaction.atomic():
            if not _is_wanted(job):
                return
            dataset = _dataset(job, name, upload)
            TraceExport.objects.filter(pk=job.pk).update(status=Status.COMPLETED, dataset=dataset)
            publish(topic=topic(job.pk), event="ended", data={})


def _is_wanted(job: TraceExport) -> bool:
    """Whether nobody else has ended it; locked, so that there is one dataset."""
    rows = TraceExport.objects.select_for_update(no_key=True)
    return rows.filter(pk=job.pk, status__in=UNFINISHED).exists()


def _dataset(job: TraceExport, name: str, file: "UploadedFile[Any]") -> Dataset:
    use_case = job.playground.use_case
    dataset = vectordb.create_dataset(user=job.created_by, name=name, use_case=use_case)
    for added in vectordb.add_files(dataset, user=job.created_by, files=[file]):
        if added.error:
            raise Conflict(f"The traces could not be stored. {added.error}")
    return dataset
