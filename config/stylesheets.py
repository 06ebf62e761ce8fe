"""Styles that a page loads as one file: on its way to the first paint, six requests take longer than what
they bring. The parts stay files of their own, in the order in which they are joined."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from django.core.files.base import ContentFile
from servestatic.storage import CompressedManifestStaticFilesStorage

_FRAME = ("tokens", "base")
_COMPARE = (*_FRAME, "chat", "source", "compare")
# What `css/bundles/NAME.css` is made of, of the files in css/.
BUNDLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "frame": _FRAME,
        "chat": (*_FRAME, "chat", "source", "data", "prompts"),
        "compare": _COMPARE,
        "grid": (*_COMPARE, "grid"),
        "trace": (*_FRAME, "chat", "data", "trace"),
    }
)


class BundlingStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # it has no types
    """Joins the files before they are named by their content and compressed."""

    def post_process(
        self, paths: dict[str, tuple[Any, str]], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str, bool]]:
        if not dry_run:
            for bundle, parts in BUNDLES.items():
                content = b"".join(_read(*paths[f"css/{part}.css"]) for part in parts)
                name = f"css/bundles/{bundle}.css"
                self.delete(name)  # of an earlier time
                self._save(name, ContentFile(content))
                paths[name] = (self, name)
        yield from super().post_process(paths, dry_run=dry_run, **options)


def _read(storage: Any, path: str) -> bytes:
    with storage.open(path) as file:
        content: bytes = file.read()
    return content
