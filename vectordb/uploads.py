"""Uploaded files to documents: each on its own, so that a bad one never stops the others."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import User
from config.errors import AppError, InvalidInput
from vectordb import archives, files, filetypes
from vectordb.files import StoredFile
from vectordb.models import Dataset, Document
from vectordb.parser_process import ParserProcess
from vectordb.parsing import delimited
from vectordb.parsing.base import Kind

logger = logging.getLogger(__name__)

_BLOCK = 1 << 16
_ZIP_IN_ZIP = "This is a ZIP inside a ZIP: unpack it and upload its files."
_ZIP_FOR_ONE = "This is a ZIP, and one document takes one file: unpack it and choose the file."
# Files of these kinds may look right at their beginning and be broken all the same.
_OPENED = {Kind.PDF, Kind.DOCX, Kind.PPTX, Kind.XLSX, Kind.EPUB}


@dataclass(frozen=True, slots=True)
class AddedFile:
    """What became of one file, or of one member of a ZIP.

    `error` says why it was not taken. A file that is there already has both: the error says so, and
    the document is the one that was there.
    """

    name: str
    document: Document | None
    error: str = ""


def add_file(dataset: Dataset, *, user: User, upload: "UploadedFile[Any]") -> Iterator[AddedFile]:
    """The documents of an uploaded file: one, or one for each member of a ZIP."""
    return add_content(dataset, user=user, name=upload.name or "", blocks=upload.chunks(_BLOCK))


def add_one(dataset: Dataset, *, user: User, upload: "UploadedFile[Any]") -> AddedFile:
    """The document of an uploaded file that is no ZIP."""
    name, blocks = files.label(upload.name or ""), upload.chunks(_BLOCK)
    return _add_blocks(dataset, user, name, blocks, _ZIP_FOR_ONE)


def add_content(
    dataset: Dataset,
    *,
    user: User,
    name: str,
    blocks: Iterable[bytes],
    sample_rows: int | None = None,
) -> Iterator[AddedFile]:
    """As `add_file`, wherever the content comes from; of a CSV file the first rows alone, when told
    how many."""
    name = files.label(name)
    try:
        stored = files.store(blocks)
    except AppError as error:
        yield AddedFile(name, None, error.message)
        return
    try:
        kind = filetypes.sniff(stored.path, name)
        if sample_rows is not None:
            stored = _sample(stored, kind, sample_rows)
        if kind is not Kind.ZIP:
            yield _keep(dataset, user, name, stored, kind)
            return
        yield from _add_members(dataset, user, stored)
    except AppError as error:
        yield AddedFile(name, None, error.message)
    except Exception:
        logger.exception("A file of dataset %s could not be stored", dataset.pk)
        yield AddedFile(name, None, "This file could not be stored: try again.")
    finally:
        _remove_unless_kept(stored)


def _sample(stored: StoredFile, kind: Kind, rows: int) -> StoredFile:
    """The first rows of a CSV file in its place. Any other document is a single row."""
    if kind is Kind.ZIP:
        raise InvalidInput("A sample is taken of CSV files, not of a ZIP: fetch it as a whole.")
    if kind is not Kind.CSV:
        return stored
    sample = files.store(delimited.first_rows(stored.path, rows))
    files.remove(stored.stored_name)
    return sample


def _add_members(dataset: Dataset, user: User, stored: StoredFile) -> Iterator[AddedFile]:
    with archives.open_archive(stored.path) as archive:
        for member in archives.members(archive):
            if member.error:
                yield AddedFile(member.name, None, member.error)
            else:
                content = archives.read(archive, member)
                yield _add_blocks(dataset, user, member.name, content, _ZIP_IN_ZIP)


def _add_blocks(
    dataset: Dataset, user: User, name: str, blocks: Iterable[bytes], if_zip: str
) -> AddedFile:
    try:
        stored = files.store(blocks)
    except AppError as error:
        return AddedFile(name, None, error.message)
    try:
        kind = filetypes.sniff(stored.path, name)
        if kind is Kind.ZIP:
            raise InvalidInput(if_zip)
        return _keep(dataset, user, name, stored, kind)
    except AppError as error:
        return AddedFile(name, None, error.message)
    finally:
        _remove_unless_kept(stored)


def _keep(dataset: Dataset, user: User, name: str, stored: StoredFile, kind: Kind) -> AddedFile:
    table = delimited.describe(stored.path) if kind is Kind.CSV else None
    return _keep_as(dataset, user, name, stored, kind, table)


@transaction.atomic
def _keep_as(
    dataset: Dataset,
    user: User,
    name: str,
    stored: StoredFile,
    kind: Kind,
    table: delimited.Table | None,
) -> AddedFile:
    # Locked, so that the same file uploaded twice at once is stored once, and to a living dataset.
    if not Dataset.objects.select_for_update().filter(pk=dataset.pk).exists():
        return AddedFile(name, None, "This dataset was deleted meanwhile.")
    same = dataset.documents.filter(sha256=stored.sha256, content_type=kind).first()
    if same is not None:
        return AddedFile(name, same, f"This file is already there as “{same.name}”.")
    document = dataset.documents.create(
        name=name,
        stored_name=stored.stored_name,
        content_type=kind,
        size=stored.size,
        sha256=stored.sha256,
        columns=table.columns if table else None,
        rows_count=table.rows if table else None,
        created_by=user,
    )
    return AddedFile(name, document)


def _remove_unless_kept(stored: StoredFile) -> None:
    if not Document.objects.filter(stored_name=stored.stored_name).exists():
        files.remove(stored.stored_name)


def without_unreadable(added: Sequence[AddedFile]) -> list[AddedFile]:
    """The same, less the documents that cannot be opened: they go again, and say why."""
    with ParserProcess(lambda: None) as parser:
        return [_opened(file, parser) for file in added]


def _opened(file: AddedFile, parser: ParserProcess) -> AddedFile:
    document = file.document
    if document is None or document.content_type not in _OPENED:
        return file
    try:
        for _ in parser.texts(
            files.stored_path(document.stored_name), document.content_type, whole=False
        ):
            pass
    except AppError as error:
        document.delete()
        files.remove(document.stored_name)
        return AddedFile(file.name, None, error.message)
    return file
