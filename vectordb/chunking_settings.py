"""How a dataset is cut and embedded: chosen when a vector database is made."""

from dataclasses import dataclass

from config.errors import InvalidInput
from vectordb.embedding_models import MINILM, EmbeddingModel, get_model
from vectordb.models import ChunkingMethod

SMALLEST_CHUNK, LARGEST_CHUNK = 128, 512
LARGEST_OVERLAP = 50
DEFAULT_SEPARATORS = ("\n\n", "\n", " ", "")
_MOST_SEPARATORS = 20
_LONGEST_SEPARATOR = 100


@dataclass(frozen=True, slots=True)
class ChunkingSettings:
    """Sizes are in tokens of the embedding model. Raises InvalidInput for what cannot be done."""

    embedding_model: str = MINILM
    chunking_method: str = ChunkingMethod.RECURSIVE
    chunk_size: int = 256
    chunk_overlap_percentage: int = 0
    separators: tuple[str, ...] = DEFAULT_SEPARATORS

    def __post_init__(self) -> None:
        largest = min(LARGEST_CHUNK, self.model.max_tokens)
        if self.chunking_method not in ChunkingMethod.values:
            raise InvalidInput("This chunking method is not known.", field="chunking_method")
        _require_range("chunk_size", self.chunk_size, SMALLEST_CHUNK, largest)
        _require_range(
            "chunk_overlap_percentage", self.chunk_overlap_percentage, 0, LARGEST_OVERLAP
        )
        _require_separators(self.separators)

    @property
    def model(self) -> EmbeddingModel:
        return get_model(self.embedding_model)

    @property
    def content_tokens(self) -> int:
        """The longest chunk, the model's special tokens left out: with them it fits the window."""
        return min(self.chunk_size, self.model.content_tokens)

    @property
    def overlap_tokens(self) -> int:
        return self.content_tokens * self.chunk_overlap_percentage // 100


def _require_range(field: str, value: object, low: int, high: int) -> None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value not in range(low, high + 1):
        raise InvalidInput(f"Must be a whole number between {low} and {high}.", field=field)


def _require_separators(separators: tuple[object, ...]) -> None:
    fine = all(
        isinstance(item, str) and len(item) <= _LONGEST_SEPARATOR and "\0" not in item
        for item in separators
    )
    if not fine or not 1 <= len(separators) <= _MOST_SEPARATORS:
        raise InvalidInput(
            f"Give 1 to {_MOST_SEPARATORS} separators of at most {_LONGEST_SEPARATOR} characters "
            "each.",
            field="separators",
        )
