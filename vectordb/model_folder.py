"""Where a sentence-transformers model lies on this server, and whether it may be loaded at all.

Nothing is ever downloaded, and nothing loaded that could run code: weights come as safetensors, and
modules are those of sentence-transformers itself. Needs no torch.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings

from config.errors import InvalidInput

# Modules that work on texts alone, and whose weights are safetensors.
_WITH_WEIGHTS = {"Transformer", "Dense", "LayerNorm", "WeightedLayerPooling"}
_MODULES = _WITH_WEIGHTS | {"Pooling", "Normalize", "Dropout"}
# These make nothing but sums of what the first gives, in whatever precision.
_PLAIN_MODULES = {"Transformer", "Pooling", "Normalize"}
_TOLD_BY = (".json", ".safetensors", ".txt", ".model")
_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
_BLOCK = 1 << 20
_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"


def find_folder(source: str) -> Path:
    """The folder of a model: a path below the folder of models, or a name as the Hugging Face Hub
    has it, found there or in the hub's cache. Raises InvalidInput when there is none."""
    root = Path(settings.EMBEDDING_MODELS_DIR)
    path = Path(os.path.normpath(root / source))
    if path != root and path.is_relative_to(root) and path.is_dir():
        return path
    if not _NAME.fullmatch(source):
        raise InvalidInput(
            f"There is no such folder below {root}: put or link the model's folder there, or set "
            "GROUNDWORK_EMBEDDING_MODELS to the folder that holds it.",
            field="source",
        )
    names = [source] if "/" in source else [source, f"sentence-transformers/{source}"]
    cached = next((found for name in names if (found := _cached(name))), None)
    if cached is None:
        name = names[-1]
        raise InvalidInput(
            f"{name} is not on this server, and Groundwork downloads nothing by itself. On the "
            f"server, run: .venv/bin/hf download {name} --local-dir {root / name}",
            field="source",
        )
    return cached


def _cached(name: str) -> Path | None:
    """Where the hub's cache has it, without asking the hub."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "modules.json")
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


class ModelFolder:
    """A folder that may be loaded. Raises InvalidInput, which says why it may not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._modules = _modules(path)
        kinds = [kind for kind, _ in self._modules]
        self.is_plain = set(kinds) <= _PLAIN_MODULES
        self.tokenizer = self._modules[0][1] / "tokenizer.json"
        for kind, folder in self._modules:
            self._require_safetensors(kind, folder)
        if not self.tokenizer.is_file():
            raise InvalidInput(
                "This model has no tokenizer.json, without which its tokens cannot be counted. Save "
                "it again with a current version of sentence-transformers.",
                field="source",
            )

    def _require_safetensors(self, kind: str, folder: Path) -> None:
        if (folder / "adapter_config.json").exists():
            raise InvalidInput(
                "This is an adapter for another model: merge the two, and add the result.",
                field="source",
            )
        if kind in _WITH_WEIGHTS and not _is_safe(kind, folder):
            raise InvalidInput(
                "This model has no weights as safetensors; other formats can run code and are not "
                "loaded. Save it again with a current version of sentence-transformers.",
                field="source",
            )

    def fingerprint(self) -> str:
        """A hash of all that decides about its vectors."""
        whole = hashlib.sha256()
        for file in sorted(self._files()):
            whole.update(f"{file.relative_to(self.path)}\0{_hash(file)}\0".encode())
        return whole.hexdigest()

    def _files(self) -> Iterator[Path]:
        for folder in {self.path, *(folder for _, folder in self._modules)}:
            yield from (
                file for file in folder.iterdir() if file.suffix in _TOLD_BY and file.is_file()
            )


def _is_safe(kind: str, folder: Path) -> bool:
    """Whether loading the module reads safetensors and nothing else. Where the one file that it looks
    for is missing, a module other than the Transformer reads a pickle."""
    is_whole = (folder / _WEIGHTS).is_file()
    if kind != "Transformer":
        return is_whole
    # Its configuration may name any index, or this one file that is a pickle.
    return (
        (is_whole or (folder / _INDEX).is_file())
        and all(map(_names_safetensors, folder.rglob("*.safetensors.index.json")))
        and not (folder / "adapter_model.bin").exists()
    )


def _names_safetensors(index: Path) -> bool:
    try:
        shards = list(json.loads(index.read_bytes())["weight_map"].values())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False
    return all(
        isinstance(shard, str) and shard.endswith(".safetensors") and "/" not in shard
        for shard in shards
    )


def _modules(path: Path) -> list[tuple[str, Path]]:
    """The kinds of the model's modules, and their folders."""
    try:
        listed = json.loads((path / "modules.json").read_bytes())
        modules = [(str(one["type"]), PurePosixPath(one["path"])) for one in listed]
    except (OSError, ValueError, TypeError, KeyError):
        modules = []
    if not modules:
        raise InvalidInput(
            "This folder holds no sentence-transformers model: there is no modules.json that could "
            "be read.",
            field="source",
        )
    return [(_kind(kind), _inside(path, folder)) for kind, folder in _checked(modules)]


def _checked(modules: list[tuple[str, PurePosixPath]]) -> list[tuple[str, PurePosixPath]]:
    for number, (kind, folder) in enumerate(modules):
        known = kind.startswith("sentence_transformers.") and _kind(kind) in _MODULES
        if not known or (_kind(kind) == "Transformer") != (number == 0):
            raise InvalidInput(
                f"This model is of a kind that is not loaded here: its module {number + 1} is "
                f"{kind[:100]}.",
                field="source",
            )
        if folder.is_absolute() or ".." in folder.parts:
            raise InvalidInput("This model's parts lie outside of its folder.", field="source")
    return modules


def _kind(type_: str) -> str:
    return type_.rpartition(".")[2]


def _inside(path: Path, folder: PurePosixPath) -> Path:
    return path / folder


def _hash(file: Path) -> Any:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
