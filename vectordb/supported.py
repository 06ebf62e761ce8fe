"""What can be chosen, with its bounds, for clients that draw forms from it."""

from typing import Any

from django.conf import settings as django_settings

from vectordb.chunking_settings import (
    DEFAULT_SEPARATORS,
    LARGEST_CHUNK,
    LARGEST_OVERLAP,
    SMALLEST_CHUNK,
    ChunkingSettings,
    default_chunk_size,
)
from vectordb.embedding_entries import usable_models
from vectordb.embedding_models import EmbeddingModel
from vectordb.models import ChunkingMethod
from vectordb.retrieval_settings import (
    DEFAULT_DOCUMENTS,
    DOCUMENTS_RANGE,
    SIMILARITY_RANGE,
    TOKENS_RANGE,
    RetrievalMode,
    Retriever,
    SearchMode,
)

Json = dict[str, Any]


def chunkings() -> Json:
    return {"text_chunking_configs": [_chunking_of(model) for model in usable_models()]}


def _chunking_of(model: EmbeddingModel) -> Json:
    default = ChunkingSettings(embedding_model=model.id, chunk_size=default_chunk_size(model))
    size = _parameter(
        "chunk_size",
        "int",
        "Tokens of a chunk at most.",
        default.chunk_size,
        (SMALLEST_CHUNK, min(LARGEST_CHUNK, model.max_tokens)),
    )
    overlap = _parameter(
        "chunk_overlap_percentage",
        "int",
        "How much of a chunk is repeated in the next.",
        default.chunk_overlap_percentage,
        (0, LARGEST_OVERLAP),
    )
    separators = _parameter(
        "separators",
        "list[str]",
        "Where texts are cut; tried in this order.",
        list(DEFAULT_SEPARATORS),
    )
    return {
        "embedding_model": model.id,
        "default_method": ChunkingMethod.RECURSIVE,
        "methods": [
            {
                "chunking_method": ChunkingMethod.RECURSIVE,
                "description": "At the first separator that occurs, joined up to the chunk size.",
                "chunking_parameters": [size, overlap, separators],
            },
            {
                "chunking_method": ChunkingMethod.SEMANTIC,
                "description": "Between sentences, where the meaning changes.",
                "chunking_parameters": [size],
            },
            {
                "chunking_method": ChunkingMethod.STRUCTURE,
                "description": "At headings, sections that are longer as recursive does; source "
                "code at functions, classes and blocks.",
                "chunking_parameters": [size, separators],
            },
        ],
    }


def _parameter(
    name: str,
    type_: str,
    description: str,
    default: object,
    bounds: tuple[int | None, int | None] = (None, None),
) -> Json:
    low, high = bounds
    return {
        "name": name,
        "type": type_,
        "description": description,
        "default": default,
        "min": low,
        "max": high,
    }


def retrieval_settings() -> Json:
    """The settings of a blueprint's look-ups. No default is a fraction: clients refuse those."""
    low, high = DOCUMENTS_RANGE
    farthest, nearest = SIMILARITY_RANGE
    fewest, most = TOKENS_RANGE
    variety = _setting(
        "maximal_marginal_relevance_lambda",
        "number",
        "Diversity or similarity",
        "0 looks for passages that differ from each other, 1 for the most similar ones; 0.5 unless "
        "set.",
        minimum=0,
        maximum=1,
    )
    reranking = _setting(
        "rerank",
        "boolean",
        "Rerank",
        "Whether a cross encoder orders what was found anew.",
        default=False,
    )
    return {
        "settings": [
            _setting(
                "retriever",
                "string",
                "Retriever",
                "What the documents are searched with: the question, the question as the LLM puts it "
                "when it knows the history, or several questions that the LLM makes of it.",
                default=Retriever.SINGLE_LOOKUP,
                enum=[str(word) for word in Retriever.values],
            ),
            _setting(
                "max_documents_retrieved_per_prompt",
                "integer",
                "Passages",
                "How many passages a question brings, their neighbours not counted.",
                default=DEFAULT_DOCUMENTS,
                minimum=low,
                maximum=high,
            ),
            _setting(
                "max_tokens",
                "integer",
                "Tokens",
                "How many tokens all passages may have together; unless set, as many as the LLM "
                "takes.",
                minimum=fewest,
                maximum=most,
            ),
            _setting(
                "add_neighbor_chunks",
                "boolean",
                "Neighbours",
                "Whether a passage brings those before and after it in its document.",
                default=False,
            ),
            _setting(
                "search_mode",
                "string",
                "Search",
                "What passages are found by: their meaning, their words, or both.",
                default=SearchMode.HYBRID,
                enum=[str(word) for word in SearchMode.values],
            ),
            _setting(
                "retrieval_mode",
                "string",
                "Mode",
                "How passages are chosen among those that are found.",
                default=RetrievalMode.SIMILARITY,
                enum=[str(word) for word in RetrievalMode.values],
                settings=[variety],
            ),
            _setting(
                "similarity_threshold",
                "number",
                "Threshold",
                "How similar a passage must be to the question; unless set, it need not be.",
                minimum=farthest,
                maximum=nearest,
            ),
            *([reranking] if django_settings.RERANKER else []),
        ]
    }


def _setting(name: str, type_: str, title: str, description: str, **more: Any) -> Json:
    nothing = dict.fromkeys(("default", "minimum", "maximum", "enum", "group_id", "settings"))
    return (
        {"name": name, "type": type_, "title": title, "description": description} | nothing | more
    )
