"""How passages are looked up: part of a blueprint, a chat or a single prompt."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from django.db import models

from config.errors import InvalidInput

DEFAULT_DOCUMENTS = 4
DOCUMENTS_RANGE = (1, 10)
TOKENS_RANGE = (1, 51_200)
SIMILARITY_RANGE = (0, 1)
TRADE_OFF_RANGE = (0, 1)


class Retriever(models.TextChoices):
    SINGLE_LOOKUP = "SINGLE_LOOKUP_RETRIEVER", "Search with the question"
    CONVERSATIONAL = "CONVERSATIONAL_RETRIEVER", "Rewrite it with the history first"
    MULTI_STEP = "MULTI_STEP_RETRIEVER", "Search with several questions"


class SearchMode(models.TextChoices):
    HYBRID = "hybrid", "By meaning and by words"
    VECTOR = "vector", "By meaning"
    KEYWORD = "keyword", "By words"


class RetrievalMode(models.TextChoices):
    SIMILARITY = "similarity", "Similarity"
    MMR = "maximal_marginal_relevance", "Maximal marginal relevance"


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """`None` stands for the default: 4 chunks, no token cap but the LLM's context, and no
    threshold, which is a cosine similarity."""

    max_documents_retrieved_per_prompt: int | None = None
    max_tokens: int | None = None
    add_neighbor_chunks: bool = False
    search_mode: str = SearchMode.HYBRID
    retriever: str = Retriever.SINGLE_LOOKUP
    retrieval_mode: str = RetrievalMode.SIMILARITY
    maximal_marginal_relevance_lambda: float = 0.5
    similarity_threshold: float | None = None
    rerank: bool = False

    def __post_init__(self) -> None:
        _require_range(self, "max_documents_retrieved_per_prompt", DOCUMENTS_RANGE)
        _require_range(self, "max_tokens", TOKENS_RANGE)
        _require_range(self, "maximal_marginal_relevance_lambda", TRADE_OFF_RANGE)
        _require_range(self, "similarity_threshold", SIMILARITY_RANGE)
        if self.search_mode not in SearchMode.values:
            raise InvalidInput("This way of searching is not known.", field="search_mode")
        if self.retriever not in Retriever.values:
            raise InvalidInput("This retriever is not known.", field="retriever")
        if self.retrieval_mode not in RetrievalMode.values:
            raise InvalidInput("This retrieval mode is not known.", field="retrieval_mode")

    @property
    def documents(self) -> int:
        """Chunks to retrieve, before neighbours."""
        return self.max_documents_retrieved_per_prompt or DEFAULT_DOCUMENTS

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def to_hash(self) -> dict[str, Any]:
        """As JSON without the settings that were added later and are not in use, so that what was
        saved before them still counts as the same."""
        return {
            key: value
            for key, value in self.to_json().items()
            if key not in _ADDED_LATER or value != _ADDED_LATER[key]
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in known})


_ADDED_LATER = {"similarity_threshold": None, "rerank": False}


def _require_range(settings: RetrievalSettings, field: str, bounds: tuple[float, float]) -> None:
    value = getattr(settings, field)
    low, high = bounds
    if value is not None and not low <= value <= high:
        raise InvalidInput(f"Must be between {low:,} and {high:,}.", field=field)
