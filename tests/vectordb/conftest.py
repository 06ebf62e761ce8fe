"""Datasets, databases and the means to bring documents in, with the real embedder."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from vectordb import ingest, services
from vectordb.chunking_settings import ChunkingSettings
from vectordb.models import Dataset, Document, VectorDatabase

HANDBOOK = b"""# Returns

Goods can be returned within thirty days of delivery. The box may be opened.

# Shipping

We ship to the islands on Tuesdays, by boat. Parcels over twenty kilograms go by freight.

# Opening hours

The shop is closed on Mondays and opens at nine on every other day.
"""


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    """Writes a file for a parser."""

    def write(content: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def dataset(alice, use_case) -> Dataset:
    return services.create_dataset(user=alice, name="Handbook", use_case=use_case)


def add(dataset: Dataset, name: str, content: bytes) -> Document:
    [added] = services.add_files(
        dataset, user=dataset.created_by, files=[SimpleUploadedFile(name, content)]
    )
    assert added.error == ""
    assert added.document is not None
    return added.document


def create(dataset: Dataset, **chunking: object) -> VectorDatabase:
    [use_case] = dataset.use_cases.all()
    return services.create_vector_database(
        user=dataset.created_by,
        use_case=use_case,
        dataset=dataset,
        chunking=ChunkingSettings(**chunking),  # type: ignore[arg-type]
    )


def build(dataset: Dataset, **chunking: object) -> VectorDatabase:
    """A vector database of the dataset, its documents brought in."""
    database = create(dataset, **chunking)
    ingest.ingest(database.pk)
    database.refresh_from_db()
    return database


@pytest.fixture
def handbook(dataset) -> VectorDatabase:
    add(dataset, "handbook.md", HANDBOOK)
    return build(dataset)
