"""Models that staff add by folder or name: read by a job, then used like the packaged one."""

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from transformers import AutoModel

from config.errors import Conflict, Forbidden, InvalidInput
from config.ids import new_id
from config.status import Status
from tests.vectordb import tiny_models
from tests.vectordb.conftest import HANDBOOK, add, build, create
from vectordb import ingest, model_reading, services
from vectordb.chunking import Chunker
from vectordb.chunking_settings import ChunkingSettings
from vectordb.embedding import embed_query, get_embedder
from vectordb.embedding_entries import EmbeddingEntry, usable_models
from vectordb.embedding_models import MINILM, EmbeddingFailed, get_model, remember
from vectordb.local_embedding import LocalEmbedder, _Encoded, _Traced
from vectordb.model_folder import ModelFolder
from vectordb.models import Chunk
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings, SearchMode
from vectordb.tokens import count_tokens, encode

TEXTS = ["Closed on Mondays.", "The shop opens at nine! " * 12, "Rapsöl"]


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder of a tiny model of each kind, made once."""
    folder = tmp_path_factory.mktemp("models")
    ready: dict[str, Path] = {}

    def get(kind, **how):
        key = json.dumps([kind, how], sort_keys=True)
        if key not in ready:
            ready[key] = tiny_models.make(folder / f"{kind}-{len(ready)}", kind, **how)
        return ready[key]

    return get


@pytest.fixture
def root(settings, tmp_path):
    settings.EMBEDDING_MODELS_DIR = tmp_path / "models"
    settings.EMBEDDING_MODELS_DIR.mkdir()
    return settings.EMBEDDING_MODELS_DIR


@pytest.fixture
def staff(alice):
    alice.is_staff = True
    alice.save()
    return alice


@pytest.fixture
def added(made, root, staff):
    """Adds a model of a kind, read as the job does it."""

    def add_one(kind="distilbert", *, how=None, **options):
        name = f"{kind}-{new_id()}"
        shutil.copytree(made(kind, **(how or {})), root / name)
        entry = services.add_local_embedding(user=staff, source=name, **options)
        model_reading.read(entry.pk)
        entry.refresh_from_db()
        return entry

    return add_one


@pytest.mark.parametrize(
    ("kind", "how", "way"),
    [
        ("bert", {}, _Traced),
        ("bert", {"pooling": "cls"}, _Traced),
        ("bert", {"dense": 16}, _Encoded),
        ("distilbert", {}, _Encoded),
        ("roberta", {"pooling": "max"}, _Encoded),
        ("xlm-roberta", {}, _Encoded),
    ],
)
def test_a_model_of_any_build_gives_the_vectors_that_its_library_gives(added, kind, how, way):
    entry = added(kind, how=how)

    assert (entry.status, entry.error_message) == (Status.COMPLETED, "")
    assert entry.dimensions == how.get("dense", 32)
    assert (entry.max_tokens, entry.special_tokens) == (tiny_models.WINDOW, 2)
    embedder = get_embedder(entry.name)
    assert isinstance(embedder, LocalEmbedder)
    assert type(embedder._run) is way
    theirs = SentenceTransformer(entry.folder, device="cpu", local_files_only=True)
    expected = theirs.encode(TEXTS, normalize_embeddings=True)
    ours = embedder.embed(TEXTS)
    assert ours.dtype == np.float32
    assert (ours * expected).sum(axis=1) == pytest.approx(1, abs=0.01)
    assert np.linalg.norm(ours, axis=1) == pytest.approx(1, abs=1e-3)
    assert embedder.embed([]).shape == (0, entry.dimensions)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_questions_and_documents_have_the_prefixes_of_the_model(added, kind):
    # Long enough to tell in the vectors of models that have learned nothing.
    prompts = {"query": "query " * 12, "document": "die Lampen und Parcels " * 4}
    entry = added(kind, how={"prompts": prompts})
    theirs = SentenceTransformer(entry.folder, device="cpu", local_files_only=True)

    assert (entry.query_prefix, entry.document_prefix) == (prompts["query"], prompts["document"])
    assert entry.to_model().content_tokens < tiny_models.WINDOW - 2
    document = get_embedder(entry.name).embed(TEXTS[:1])[0]
    assert document @ theirs.encode_document(TEXTS[0]) == pytest.approx(1, abs=0.02)
    question = asyncio.run(embed_query(entry.name, TEXTS[0]))
    expected = theirs.encode_query(TEXTS[0])
    assert np.array(question) @ expected == pytest.approx(1, abs=0.02)
    assert np.array(question) @ document < 0.98


def test_prefixes_and_the_window_can_be_given(added):
    entry = added(query_prefix="search: ", document_prefix="box ", max_tokens=140)

    assert (entry.query_prefix, entry.document_prefix) == ("search: ", "box ")
    assert entry.max_tokens == 140


@settings(max_examples=40, deadline=None)
@given(text=st.text(alphabet="abc é\n\t.,!19漢🙂-", max_size=300))
def test_no_chunk_is_longer_than_it_may_be_whatever_the_tokenizer(tmp_path_factory, text):
    for kind in ("roberta", "xlm-roberta"):
        model_id = tokenizer_only(tmp_path_factory, kind)
        chunker = Chunker(model_id, 20, 5, ["\n", " ", ""])
        chunks = [*chunker.feed(None, text), *chunker.finish()]
        for chunk in chunks:
            assert text[chunk.start : chunk.end] == chunk.text
            assert len(encode(chunk.text, model_id)) <= chunk.token_count <= 20
        if kind == "xlm-roberta":
            assert count_tokens(text, model_id) >= len(encode(text, model_id))


_tokenizers: dict[str, str] = {}


def tokenizer_only(tmp_path_factory, kind):
    """A model of which there is nothing but the tokenizer."""
    if kind not in _tokenizers:
        file = tmp_path_factory.mktemp(kind) / "tokenizer.json"
        tiny_models.TOKENIZERS[kind]().backend_tokenizer.save(str(file))
        _tokenizers[kind] = f"tests/{kind}"
        remember(replace(get_model(MINILM), id=f"tests/{kind}", tokenizer=str(file)))
    return _tokenizers[kind]


@pytest.mark.django_db(transaction=True)
def test_a_database_is_built_with_it_and_searched(added, dataset, run_jobs):
    entry = added("xlm-roberta", how={"dense": 16, "prompts": {"query": "query: "}})
    add(dataset, "handbook.md", HANDBOOK * 3)

    database = create(dataset, embedding_model=entry.name, chunk_size=128)
    run_jobs()

    database.refresh_from_db()
    assert (database.status, database.dimensions) == (Status.COMPLETED, 16)
    chunks = Chunk.objects.filter(vector_database_id=database.pk)
    assert chunks.exists()
    for chunk in chunks:
        assert chunk.token_count == count_tokens(chunk.text, entry.name) <= 128
    settings = RetrievalSettings(search_mode=SearchMode.VECTOR)
    found = asyncio.run(retrieve(database, chunks[0].text, settings))
    assert found.passages
    assert found.passages[0].similarity <= 1.001


def test_content_that_another_model_embedded_is_embedded_anew(added, dataset):
    document = add(dataset, "handbook.md", HANDBOOK)
    build(dataset, chunk_size=128)
    entry = added()

    database = build(dataset, chunk_size=128, embedding_model=entry.name)

    assert (database.status, database.dimensions) == (Status.COMPLETED, 32)
    assert database.ingestions.get(document=document).chunks_count == database.chunks_count


def test_a_chunk_size_beyond_its_window_is_refused_before_anything_is_built(added):
    entry = added()

    with pytest.raises(InvalidInput) as refused:
        ChunkingSettings(embedding_model=entry.name, chunk_size=tiny_models.WINDOW + 1)

    assert refused.value.field == "chunk_size"
    assert str(tiny_models.WINDOW) in refused.value.message


@pytest.mark.django_db(transaction=True)
def test_a_job_reads_the_model(staff, root, made, run_jobs):
    name = f"job-{new_id()}"
    shutil.copytree(made("distilbert"), root / "deep" / name)
    entry = services.add_local_embedding(user=staff, source=str(root / "deep" / name))
    assert entry.status == Status.NEW
    assert entry.name not in [model.id for model in usable_models()]

    run_jobs()

    entry.refresh_from_db()
    assert (entry.name, entry.status, entry.dimensions) == (name, Status.COMPLETED, 32)
    assert entry.name in [model.id for model in usable_models()]


def without(*names):
    def remove(folder):
        for name in names:
            (folder / name).unlink()

    return remove


def with_modules(**changes):
    def write(folder):
        path = folder / "modules.json"
        modules = json.loads(path.read_text())
        modules[-1] |= changes
        path.write_text(json.dumps(modules))

    return write


def pickled(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def adapted(folder):
    (folder / "adapter_config.json").write_text("{}")


def garbled(folder):
    (folder / "model.safetensors").write_bytes(b"nothing of the kind")


def with_code(folder):
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.M"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text("raise SystemExit('code of a model was run')")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without("modules.json"), "no modules.json"),
        (lambda folder: (folder / "modules.json").write_text("[1]"), "no modules.json"),
        (without("model.safetensors"), "no weights as safetensors"),
        (pickled, "no weights as safetensors"),
        (without("tokenizer.json"), "no tokenizer.json"),
        (adapted, "an adapter"),
        (garbled, "cannot load this model"),
        (with_code, "code of its own"),
        (with_modules(type="own.module.Normalize"), "its module 3 is own.module.Normalize"),
        (with_modules(type="sentence_transformers.util.Anything"), "its module 3"),
        (with_modules(path="../elsewhere"), "outside of its folder"),
    ],
)
def test_what_cannot_be_used_says_why(staff, root, made, change, told):
    name = new_id()
    shutil.copytree(made("distilbert"), root / name)
    change(root / name)
    entry = services.add_local_embedding(user=staff, source=name)

    model_reading.read(entry.pk)

    entry.refresh_from_db()
    assert entry.status == Status.ERROR
    assert told in entry.error_message
    with pytest.raises(InvalidInput):
        get_model(name)


def renamed(folder):
    (folder / "2_Dense/model.safetensors").rename(folder / "2_Dense/weights.safetensors")
    torch.save({}, folder / "2_Dense/pytorch_model.bin")


def with_index(name, shard):
    def write(folder):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"metadata": {}, "weight_map": {"a": shard}}))

    return write


@pytest.mark.parametrize(
    "change",
    [
        renamed,
        lambda folder: (folder / "model.safetensors").rename(folder / "other.safetensors"),
        lambda folder: torch.save({}, folder / "adapter_model.bin"),
        with_index("model.safetensors.index.json", "pytorch_model.bin"),
        with_index("model.safetensors.index.json", "../model.safetensors"),
        with_index("sub/own.safetensors.index.json", "pytorch_model.bin"),
    ],
    ids=range(6),
)
def test_no_file_is_loaded_that_could_be_a_pickle(made, tmp_path, change):
    folder = shutil.copytree(made("bert", dense=16), tmp_path / "model")
    ModelFolder(folder)
    change(folder)

    with pytest.raises(InvalidInput) as refused:
        ModelFolder(folder)

    assert "no weights as safetensors" in refused.value.message


def test_weights_in_several_files_are_loaded(made, root, staff):
    name = new_id()
    folder = shutil.copytree(made("distilbert"), root / name)
    whole = AutoModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    whole.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    entry = services.add_local_embedding(user=staff, source=name)

    model_reading.read(entry.pk)

    entry.refresh_from_db()
    assert (entry.status, entry.error_message) == (Status.COMPLETED, "")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("nobody/nothing", "bin/hf download nobody/nothing --local-dir"),
        ("nothing-here", "bin/hf download sentence-transformers/nothing-here"),
        ("/etc", "no such folder below"),
        ("../..", "no such folder below"),
        ("a b/c", "no such folder below"),
        ("a--b/c..d", "bin/hf download a--b/c..d"),
    ],
)
def test_what_is_not_there_says_how_to_get_it(staff, root, source, told):
    entry = services.add_local_embedding(user=staff, source=source, name=new_id())

    model_reading.read(entry.pk)

    entry.refresh_from_db()
    assert told in entry.error_message
    assert str(root) in entry.error_message


def test_a_model_that_failed_is_tried_again(staff, root, made):
    name = new_id()
    entry = services.add_local_embedding(user=staff, source=name)
    model_reading.read(entry.pk)
    shutil.copytree(made("distilbert"), root / name)

    services.read_again(entry, user=staff)
    model_reading.read(entry.pk)

    entry.refresh_from_db()
    assert entry.status == Status.COMPLETED
    with pytest.raises(Conflict):
        services.read_again(entry, user=staff)


def test_files_that_changed_are_not_loaded_as_the_same_model(added, dataset):
    entry = added()
    config = Path(entry.folder) / "config.json"
    config.write_text(config.read_text() + "\n")
    add(dataset, "handbook.md", HANDBOOK)

    database = build(dataset, embedding_model=entry.name, chunk_size=128)

    assert database.status == Status.ERROR
    assert "not those that it was added with" in database.error_message
    shutil.rmtree(entry.folder)
    with pytest.raises(EmbeddingFailed) as failed:
        get_embedder(entry.name)
    assert "no modules.json" in failed.value.message


def test_only_staff_add_switch_and_delete(alice, added):
    entry = added()
    alice.is_staff = False
    for verb in (
        lambda: services.add_local_embedding(user=alice, source="a"),
        lambda: services.read_again(entry, user=alice),
        lambda: services.switch_embedding(entry, user=alice, is_active=False),
        lambda: services.delete_embedding(entry, user=alice),
    ):
        with pytest.raises(Forbidden):
            verb()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"source": " "}, "source"),
        ({"source": "a\0b"}, "source"),
        ({"source": "a" * 501}, "source"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a" * 151}, "name"),
        ({"name": MINILM}, "name"),
        ({"max_tokens": 127}, "max_tokens"),
        ({"query_prefix": "q" * 501}, "query_prefix"),
    ],
)
def test_nonsense_adds_nothing(staff, changes, field):
    with pytest.raises(InvalidInput) as refused:
        services.add_local_embedding(user=staff, **{"source": "a/b"} | changes)

    assert refused.value.field == field
    assert not EmbeddingEntry.objects.exists()


def test_a_model_in_use_is_not_deleted_and_a_deleted_one_keeps_its_name(added, staff, dataset):
    entry = added()
    add(dataset, "handbook.md", HANDBOOK)
    database = create(dataset, embedding_model=entry.name, chunk_size=128)
    with pytest.raises(Conflict):
        services.delete_embedding(entry, user=staff)
    services.delete_vector_database(database, user=staff)

    services.delete_embedding(entry, user=staff)

    assert not EmbeddingEntry.objects.present().exists()
    with pytest.raises(InvalidInput) as refused:
        services.add_local_embedding(user=staff, source=entry.source)
    assert refused.value.field == "name"
    with pytest.raises(InvalidInput):
        create(dataset, embedding_model=entry.name, chunk_size=128)


def test_one_that_is_switched_off_is_chosen_no_more_and_goes_on_where_it_is(added, staff, dataset):
    entry = added()
    add(dataset, "handbook.md", HANDBOOK)
    database = create(dataset, embedding_model=entry.name, chunk_size=128)

    services.switch_embedding(entry, user=staff, is_active=False)

    assert entry.name not in [model.id for model in usable_models()]
    with pytest.raises(InvalidInput):
        create(dataset, embedding_model=entry.name, chunk_size=128)
    ingest.ingest(database.pk)
    database.refresh_from_db()
    assert database.status == Status.COMPLETED
