"""Datasets and vector databases through the package's own classes."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datarobot as dr
import pandas as pd  # type: ignore[import-untyped]
import pytest
from datarobot.errors import AsyncProcessUnsuccessfulError, ClientError
from datarobot.models.dataset import DatasetDetails
from datarobot.models.genai.playground import Playground
from datarobot.models.genai.vector_database import ChunkingParameters, VectorDatabase

from tests.sdk.conftest import LIBRARY, Library, as_person, built
from tests.stack import Stack

ROWS = [
    {"document": "The lamps burn oil.", "document_file_path": "a.txt", "year": 1850},
    {"document": "The boat sails.", "document_file_path": "b.txt", "year": 1861},
]
MINILM = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture
def dataset(upload: Callable[..., dr.Dataset]) -> dr.Dataset:
    return upload("library.csv", LIBRARY)


def test_a_file_becomes_a_dataset_of_a_use_case(use_case: dr.UseCase, dataset: dr.Dataset):
    assert (dataset.name, dataset.row_count, dataset.size) == ("library.csv", 3, len(LIBRARY))
    assert dataset.processing_state == "COMPLETED"
    assert [one.id for one in dr.Dataset.list(use_cases=use_case)] == [dataset.id]
    assert dataset.id in {one.id for one in dr.Dataset.iterate(limit=2, order_by="-created")}
    details = dataset.get_details()
    assert (details.error, details.uri) == ("", "library.csv")
    assert DatasetDetails.get(dataset.id).to_dataset().id == dataset.id


def test_files_come_by_their_names_and_streams(client: Any, tmp_path: Path):
    path = tmp_path / "deep" / "oil.txt"
    path.parent.mkdir()
    path.write_text("The lamps burn rapeseed oil.")
    with path.open("rb") as file:
        assert dr.Dataset.create_from_file(filelike=file).name == "oil.txt"
    stream = io.BytesIO(LIBRARY.encode())
    assert dr.Dataset.create_from_file(filelike=stream).name == "data.csv"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("a/one.md", "# One")
        members.writestr("two.txt", "Two")
    archive.name = "set.zip"  # what the package looks for
    archive.seek(0)
    assert dr.Dataset.create_from_file(filelike=archive).row_count == 2


def test_records_and_frames_become_datasets_and_come_back(client: Any, tmp_path: Path):
    from_records = dr.Dataset.create_from_in_memory_data(records=ROWS, fname="rows.csv")
    frame = pd.DataFrame(ROWS)
    from_frame = dr.Dataset.create_from_in_memory_data(data_frame=frame)

    assert (from_records.name, from_records.row_count) == ("rows.csv", 2)
    assert from_frame.get_as_dataframe().to_dict("records") == ROWS
    kept = tmp_path / "kept.csv"
    from_records.get_file(file_path=str(kept))
    assert pd.read_csv(kept).to_dict("records") == ROWS


def test_a_dataset_is_renamed_categorised_and_deleted(dataset: dr.Dataset):
    dataset.modify(name="Library", categories=["TRAINING"])
    dataset.modify(name="The library")

    again = dr.Dataset.get(dataset.id)
    assert (again.name, again.categories) == ("The library", ["TRAINING"])
    assert dataset.id in {one.id for one in dr.Dataset.list(category="TRAINING")}
    assert dataset.id not in {one.id for one in dr.Dataset.list(category="PREDICTION")}
    dataset.update()
    dr.Dataset.delete(dataset.id)
    with pytest.raises(ClientError) as gone:
        dr.Dataset.get(dataset.id)
    assert gone.value.status_code == 404


def test_a_file_that_cannot_be_read_is_told(upload: Callable[..., dr.Dataset]):
    with pytest.raises(AsyncProcessUnsuccessfulError, match="This file is empty"):
        upload("empty.csv", "")

    assert "empty.csv" in {one.name for one in dr.Dataset.list()}
    assert "empty.csv" not in {one.name for one in dr.Dataset.list(filter_failed=True)}


def test_an_address_within_the_network_is_not_fetched(client: Any):
    with pytest.raises(AsyncProcessUnsuccessfulError, match="not on the public internet"):
        dr.Dataset.create_from_url(
            "http://127.0.0.1:1/a.csv",
            do_snapshot=True,
            persist_data_after_ingestion=True,
            categories=["TRAINING"],
            sample_size={"type": "rows", "value": 95},
        )
    [failed] = [one for one in dr.Dataset.list() if one.sample_size]
    assert (failed.name, failed.sample_size) == ("a.csv", {"type": "rows", "value": 95})
    assert failed.categories == ["TRAINING"]


def test_a_dataset_moves_between_use_cases(use_case: dr.UseCase, dataset: dr.Dataset):
    other = dr.UseCase.create(name="Other")
    other.add(dataset)
    assert [one.id for one in other.list_datasets()] == [dataset.id]
    other.remove(dataset)
    assert other.list_datasets() == []
    dr.UseCase.delete(other.id)
    assert dr.Dataset.get(dataset.id).id == dataset.id


def test_what_can_be_chosen_is_told(client: Any, library: Library):
    embeddings = VectorDatabase.get_supported_embeddings(
        dataset_id=library.dataset, use_case=library.use_case
    )
    assert embeddings.default_embedding_model == MINILM
    assert [one.max_sequence_length for one in embeddings.embedding_models] == [256]
    (config,) = VectorDatabase.get_supported_text_chunkings().text_chunking_configs
    assert [one.chunking_method for one in config.methods] == ["recursive", "semantic", "structure"]
    settings = VectorDatabase.get_supported_retrieval_settings().settings
    by_name = {one.name: one for one in settings}
    assert by_name["max_documents_retrieved_per_prompt"].maximum == 10
    assert by_name["retrieval_mode"].settings[0].name == "maximal_marginal_relevance_lambda"


def test_a_vector_database_is_built_listed_renamed_and_deleted(
    use_case: dr.UseCase, dataset: dr.Dataset, playground: Playground
):
    database = built(VectorDatabase.create(dataset.id, use_case=use_case))

    assert database.name == "Vector Database for library.csv"
    assert (database.chunks_count, database.version) == (3, 1)
    assert database.metadata_columns == ["topic", "year"]
    assert (database.chunk_size, database.chunk_overlap_percentage) == (256, 0)
    assert database.separators == ["\n\n", "\n", " ", ""]
    assert (database.dataset_id, database.dataset_name) == (dataset.id, "library.csv")
    renamed = database.update(name="Lamps")
    assert renamed.name == "Lamps"

    def listed(**query: Any) -> list[str]:
        return [one.id for one in VectorDatabase.list(use_case=use_case, **query)]

    assert listed() == listed(search="lam", sort="-creationDate", completed_only=True)
    assert listed() == [database.id]
    assert listed(playground=playground) == []
    database.delete()
    assert listed() == []


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        (
            ChunkingParameters(MINILM, "recursive", 128, 25, ["\n", " "]),
            ("recursive", 128, 25, ["\n", " "], False),
        ),
        (
            ChunkingParameters(MINILM, "semantic", 128, None, None),
            ("semantic", 128, 0, None, False),
        ),
        (
            ChunkingParameters(None, None, None, None, None, custom_chunking=True),
            (None, None, None, None, True),
        ),
    ],
    ids=["recursive", "semantic", "finished chunks"],
)
def test_texts_are_cut_as_told(
    use_case: dr.UseCase, dataset: dr.Dataset, parameters: ChunkingParameters, shown: Any
):
    database = built(
        VectorDatabase.create(dataset.id, chunking_parameters=parameters, use_case=use_case)
    )

    assert (
        database.chunking_method,
        database.chunk_size,
        database.chunk_overlap_percentage,
        database.separators,
        database.custom_chunking,
    ) == shown
    assert (database.embedding_model, database.chunks_count) == (MINILM, 3)


def test_finished_chunks_with_a_size_are_refused(use_case: dr.UseCase, dataset: dr.Dataset):
    parameters = ChunkingParameters(MINILM, "recursive", 128, 0, None, custom_chunking=True)

    with pytest.raises(ClientError) as refused:
        VectorDatabase.create(dataset.id, chunking_parameters=parameters, use_case=use_case)

    fields = [problem["loc"][-1] for problem in refused.value.json["detail"]]
    assert fields == ["chunkingMethod", "chunkSize", "chunkOverlapPercentage"]


def test_a_version_takes_the_place_of_its_parent(
    use_case: dr.UseCase,
    dataset: dr.Dataset,
    make_blueprint: Callable[..., Any],
    upload: Callable[..., dr.Dataset],
):
    parent = built(VectorDatabase.create(dataset.id, use_case=use_case))
    blueprint = make_blueprint(vector_database=parent)
    more = upload("more.txt", "The boat sails on Tuesdays.")

    version = built(
        VectorDatabase.create(
            more.id,
            use_case=use_case,
            parent_vector_database_id=parent.id,
            update_llm_blueprints=True,
        )
    )

    assert (version.parent_id, version.family_id, version.version) == (parent.id, parent.id, 2)
    assert version.added_dataset_names == ["more.txt"]
    assert version.chunks_count == 4
    moved = type(blueprint).get(blueprint.id)
    assert moved.vector_database_id == version.id


def test_a_viewer_sees_and_changes_nothing(groundwork: Stack, library: Library):
    with as_person(groundwork, groundwork.vera):
        assert VectorDatabase.get(library.vector_database).chunks_count == 3
        with pytest.raises(ClientError) as refused:
            VectorDatabase.get(library.vector_database).delete()
        assert refused.value.status_code == 403
    with as_person(groundwork, groundwork.bob):
        with pytest.raises(ClientError) as hidden:
            VectorDatabase.get(library.vector_database)
        assert hidden.value.status_code == 404
        with pytest.raises(ClientError) as unseen:
            dr.Dataset.get(library.dataset)
        assert unseen.value.status_code == 404
