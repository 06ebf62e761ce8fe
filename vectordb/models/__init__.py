"""Datasets, the vector databases made from them, and chunks."""

from vectordb.embedding_entries import EmbeddingEntry
from vectordb.models.chunks import (
    ADDED_ROOM,
    ADDED_START,
    CHUNKS_PER_DOCUMENT,
    FIRST_ADDED,
    Chunk,
    ChunkEdit,
    DisabledChunk,
    TrialCut,
)
from vectordb.models.databases import ChunkingMethod, Ingestion, VectorDatabase
from vectordb.models.datasets import Dataset, DatasetLink, Document
from vectordb.models.workers import ModelServer

__all__ = [
    "ADDED_ROOM",
    "ADDED_START",
    "CHUNKS_PER_DOCUMENT",
    "FIRST_ADDED",
    "Chunk",
    "ChunkEdit",
    "ChunkingMethod",
    "Dataset",
    "DatasetLink",
    "DisabledChunk",
    "Document",
    "EmbeddingEntry",
    "Ingestion",
    "ModelServer",
    "TrialCut",
    "VectorDatabase",
]
