"""Where uploads lie: under generated names, never under the names that people gave them."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from config.errors import InvalidInput
from config.ids import new_id

_LONGEST_NAME = 500
_unprintable = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class StoredFile:
    stored_name: str
    size: int
    sha256: str

    @property
    def path(self) -> Path:
        return stored_path(self.stored_name)


def stored_path(stored_name: str) -> Path:
    return Path(settings.MEDIA_ROOT) / stored_name


def store(blocks: Iterable[bytes]) -> StoredFile:
    """Write the blocks to a new file. Raises InvalidInput past the size limit; leaves nothing then."""
    name = new_id()
    stored_name = f"documents/{name[-2:]}/{name}"
    path = stored_path(stored_name)
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("xb") as file:
            for block in blocks:
                size += len(block)
                if size > settings.MAX_FILE_BYTES:
                    raise InvalidInput(
                        f"This file is larger than {settings.MAX_FILE_BYTES >> 20} MB, the most "
                        "that is taken: split it into parts."
                    )
                digest.update(block)
                file.write(block)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return StoredFile(stored_name, size, digest.hexdigest())


def remove(stored_name: str) -> None:
    stored_path(stored_name).unlink(missing_ok=True)


def label(name: str) -> str:
    """A client's file name as a label: no folders, nothing that cannot be printed."""
    base = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return _shorten(_unprintable.sub("", base).strip()) or "unnamed"


def member_label(name: str) -> str:
    """The inner path of an archive's member. Raises InvalidInput when it would lead outside."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts or name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        raise InvalidInput("The path of this file leads outside its archive: it was left out.")
    return _shorten(_unprintable.sub("", "/".join(parts)).strip()) or "unnamed"


def _shorten(name: str) -> str:
    """At most 500 characters, of which the ending stays."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:400]}…{name[-99:]}"
