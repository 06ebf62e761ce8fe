"""How a dataset is cut and embedded: chosen when a vector database is made."""

import re
from dataclasses import dataclass

from config.errors import InvalidInput
from vectordb.embedding_models import MINILM, EmbeddingModel, get_model
from vectordb.models import ChunkingMethod, VectorDatabase
from vectordb.parsing import methods

SMALLEST_CHUNK, LARGEST_CHUNK = 128, 512
DEFAULT_CHUNK = 256
LARGEST_OVERLAP = 50
DEFAULT_SEPARATORS = ("\n\n", "\n", " ", "")
_MOST_SEPARATORS = 20
_LONGEST_SEPARATOR = 100
_WITHOUT_OVERLAP: dict[str, str] = {
    ChunkingMethod.SEMANTIC: "the meaning changes",
    ChunkingMethod.STRUCTURE: "a section does",
}
_CUTTING = {
    ChunkingMethod.RECURSIVE: methods.RECURSIVE,
    ChunkingMethod.SEMANTIC: methods.SENTENCES,
    ChunkingMethod.STRUCTURE: methods.STRUCTURE,
}


@dataclass(frozen=True, slots=True)
class ChunkingSettings:
    """Sizes are in tokens of the embedding model. Raises InvalidInput for what cannot be done.

    The semantic method knows no overlap and no separators. By structure, chunks end where a section
    of a document does that tells its headings, without overlap; sections longer than a chunk, and
    files without headings, are cut as by the recursive method, and source code at the separators of
    its language (functions, classes, blocks). With `is_custom_chunking` each document,
    or each row of a CSV file of documents, is one chunk, and how to cut is not used.
    """

    embedding_model: str = MINILM
    chunking_method: str = ChunkingMethod.RECURSIVE
    chunk_size: int = DEFAULT_CHUNK
    chunk_overlap_percentage: int = 0
    separators: tuple[str, ...] = DEFAULT_SEPARATORS
    is_separator_regex: bool = False
    is_custom_chunking: bool = False

    def __post_init__(self) -> None:
        largest = min(LARGEST_CHUNK, self.model.max_tokens)
        if self.chunking_method not in ChunkingMethod.values:
            raise InvalidInput("This chunking method is not known.", field="chunking_method")
        _require_range("chunk_size", self.chunk_size, SMALLEST_CHUNK, largest)
        _require_range(
            "chunk_overlap_percentage", self.chunk_overlap_percentage, 0, LARGEST_OVERLAP
        )
        self._require_no_overlap()
        _require_separators(self.separators)
        if self.is_separator_regex:
            _require_patterns(self.separators)

    def _require_no_overlap(self) -> None:
        end = None if self.is_custom_chunking else _WITHOUT_OVERLAP.get(self.chunking_method)
        if end and self.chunk_overlap_percentage:
            raise InvalidInput(
                f"Chunks that end where {end} do not overlap: set 0, or choose the recursive method.",
                field="chunk_overlap_percentage",
            )

    @property
    def model(self) -> EmbeddingModel:
        return get_model(self.embedding_model)

    @property
    def is_semantic(self) -> bool:
        return self.chunking_method == ChunkingMethod.SEMANTIC and not self.is_custom_chunking

    @property
    def cutting_method(self) -> str:
        """What the parser does; sentences are put together where they are embedded."""
        if self.is_custom_chunking:
            return methods.WHOLE
        return _CUTTING[ChunkingMethod(self.chunking_method)]

    @property
    def content_tokens(self) -> int:
        """The longest chunk, the model's special tokens left out: with them it fits the window."""
        return min(self.chunk_size, self.model.content_tokens)

    @property
    def overlap_tokens(self) -> int:
        return self.content_tokens * self.chunk_overlap_percentage // 100


def default_chunk_size(model: EmbeddingModel) -> int:
    """In tokens: the usual size, or the model's window where that is smaller."""
    return min(DEFAULT_CHUNK, model.max_tokens)


def settings_of(database: VectorDatabase) -> ChunkingSettings:
    return ChunkingSettings(
        embedding_model=database.embedding_model,
        chunking_method=database.chunking_method,
        chunk_size=database.chunk_size,
        chunk_overlap_percentage=database.chunk_overlap_percentage,
        separators=tuple(database.separators),
        is_separator_regex=database.is_separator_regex,
        is_custom_chunking=database.is_custom_chunking,
    )


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


def _require_patterns(separators: tuple[str, ...]) -> None:
    for separator in separators:
        try:
            # As the splitter will put it: a group of its own shifts those of the pattern.
            groups = re.compile(f"({separator})").groups
        except (re.error, OverflowError, RecursionError, Warning) as error:
            raise InvalidInput(
                f"“{separator}” is not a regular expression: {error}.", field="separators"
            ) from error
        if groups > 1:
            raise InvalidInput(
                f"“{separator}” has a group that captures: write (?:…) instead of (…).",
                field="separators",
            )
