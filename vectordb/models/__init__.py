"""Datasets, the vector databases made from them, and chunks."""

from vectordb.embedding_entries import EmbeddingEntry
from vectordb.models.chunks import CHUNKS_PER_DOCUMENT, Chunk, TrialCut
from vectordb.models.databases import ChunkingMethod, Ingestion, VectorDatabase
from vectordb.models.datasets import Dataset, DatasetLink, Document

__all__ = [
    "CHUNKS_PER_DOCUMENT",
    "Chunk",
    "ChunkingMethod",
    "Dataset",
    "DatasetLink",
    "Document",
    "EmbeddingEntry",
    "Ingestion",
    "TrialCut",
    "VectorDatabase",
]
