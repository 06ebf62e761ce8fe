"""ZIP files: their members one by one, within limits that are checked before and while unpacking."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from config.errors import InvalidInput
from vectordb import files

_BLOCK = 1 << 16
_FLAG_ENCRYPTED = 0x1
# The table of contents is read as a whole: this is enough for tens of thousands of files.
_LONGEST_READ = 4 * 1024 * 1024
# The others can unpack a few bytes to gigabytes in one step.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# A ratio says nothing about small members: a few kilobytes of blanks do no harm.
_HARMLESS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive; `error` says why it cannot be taken."""

    name: str
    info: zipfile.ZipInfo
    error: str = ""


def members(archive: zipfile.ZipFile) -> list[Member]:
    """The archive's files, system files left out. Raises InvalidInput for what looks like a bomb."""
    infos = [info for info in archive.infolist() if not info.is_dir() and not _is_hidden(info)]
    if not infos:
        raise InvalidInput("There is no file in this ZIP.")
    if len(infos) > settings.MAX_ARCHIVE_MEMBERS:
        raise InvalidInput(
            f"This ZIP holds {len(infos):,} files; {settings.MAX_ARCHIVE_MEMBERS:,} is the most. "
            "Split it into parts."
        )
    if sum(info.file_size for info in infos) > settings.MAX_ARCHIVE_BYTES:
        raise InvalidInput(
            f"This ZIP unpacks to more than {settings.MAX_ARCHIVE_BYTES >> 20} MB: split it."
        )
    return [_member(info) for info in infos]


def _is_hidden(info: zipfile.ZipInfo) -> bool:
    parts = info.filename.replace("\\", "/").split("/")
    is_dot_file = any(part.startswith(".") and part not in (".", "..") for part in parts)
    return is_dot_file or "__MACOSX" in parts or parts[-1] in {"Thumbs.db", "desktop.ini"}


def _member(info: zipfile.ZipInfo) -> Member:
    try:
        name = files.member_label(info.filename)
    except InvalidInput as error:
        return Member(files.label(info.filename), info, error.message)
    ratio = info.file_size / max(1, info.compress_size)
    if info.file_size > _HARMLESS and ratio > settings.MAX_ARCHIVE_RATIO:
        return Member(name, info, "This file is packed too tightly to be a document: left out.")
    if info.flag_bits & _FLAG_ENCRYPTED:
        return Member(name, info, "This file is encrypted: pack it again without a password.")
    if info.compress_type not in _METHODS:
        return Member(name, info, "This file is packed in an unusual way: make an ordinary ZIP.")
    return Member(name, info)


def read(archive: zipfile.ZipFile, member: Member) -> Iterator[bytes]:
    """The member's content in blocks, never more than it declared."""
    left = member.info.file_size
    try:
        with archive.open(member.info) as file:
            while block := file.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise InvalidInput("This file is larger than its archive says: left out.")
                yield block
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise InvalidInput(
            "This file is damaged inside its archive: make or download the ZIP again."
        ) from error


class _Careful(io.BufferedReader):
    """Refuses the one long read there is in a ZIP, that of its table of contents."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _LONGEST_READ:
            raise zipfile.BadZipFile("The table of contents is too long.")
        return super().read(size)


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Raises what `zipfile` raises."""
    with _Careful(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
        yield archive


def read_start(archive: zipfile.ZipFile, name: str, size: int) -> bytes:
    """The first bytes of a member, without unpacking the rest; nothing of one packed unusually."""
    info = archive.getinfo(name)
    if info.compress_type not in _METHODS:
        return b""
    with archive.open(info) as file:
        return file.read(size)


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(open_zip(path))
        except (zipfile.BadZipFile, OSError) as error:
            raise InvalidInput("This ZIP is damaged: make or download it again.") from error
        yield archive
