"""Search by meaning, by words and by both, through the one function that all faces call."""

import asyncio

import pytest

from config.errors import Conflict
from tests.vectordb.conftest import add, build
from vectordb import ranking
from vectordb.fusion import Measure, fused
from vectordb.models import VectorDatabase
from vectordb.passages import Retrieval
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings, SearchMode

in_database = pytest.mark.django_db(transaction=True)

ROWS = "document,document_file_path\n" + "".join(
    f'"{text}",{name}\n'
    for name, text in (
        ("felines", "Kittens purr when somebody strokes them softly."),
        ("dogs", "The dog barks at the postman every morning."),
        ("code", "Spare part KX-9917 fits the older pump."),
        ("pumps", "A pump moves water from the well to the house."),
        ("wells", "The well was dug by hand a hundred years ago."),
    )
)


@pytest.fixture
def library(dataset) -> VectorDatabase:
    add(dataset, "things.csv", ROWS.encode())
    return build(dataset)


def ask(database: VectorDatabase, question: str, mode: str, count: int = 2) -> Retrieval:
    settings = RetrievalSettings(max_documents_retrieved_per_prompt=count, search_mode=mode)
    return asyncio.run(retrieve(database, question, settings))


def sources(found: Retrieval) -> list[str]:
    return [passage.document_name for passage in found.passages]


@in_database
def test_meaning_finds_what_is_said_in_other_words(library):
    question = "How do cats show that they are happy?"
    assert sources(ask(library, question, SearchMode.VECTOR))[0] == "felines"
    assert sources(ask(library, question, SearchMode.HYBRID))[0] == "felines"
    assert sources(ask(library, question, SearchMode.KEYWORD)) == []


@in_database
def test_words_find_what_has_no_meaning(library):
    question = "KX-9917"
    assert sources(ask(library, question, SearchMode.KEYWORD)) == ["code"]
    assert sources(ask(library, question, SearchMode.HYBRID))[0] == "code"


@in_database
@pytest.mark.parametrize(
    ("mode", "stages"),
    [
        (SearchMode.VECTOR, ["embed", "search"]),
        (SearchMode.KEYWORD, ["embed", "keyword search"]),
        (SearchMode.HYBRID, ["embed", "search", "keyword search", "fusion"]),
    ],
)
def test_the_record_tells_how_it_was_searched(library, mode, stages):
    found = ask(library, "Which dog barks?", mode, count=1)

    names = [stage.name for stage in found.stages]
    assert names == [*stages, "neighbours", "de-duplication", "token cap"]
    assert found.search == ("" if mode == SearchMode.KEYWORD else "exact")
    assert sources(found) == ["dogs"]
    assert found.passages[0].similarity > 0.3


@in_database
def test_vectors_of_another_language_do_not_mislead(dataset):
    rows = "document,document_file_path\n" + "".join(
        f'"{text}",{name}\n'
        for name, text in (
            ("lunes", "La tienda permanece cerrada todos los lunes del año."),
            ("islas", "Los paquetes salen hacia las islas cada martes en barco."),
            ("cajas", "Se puede abrir la caja antes de devolver los artículos."),
        )
    )
    add(dataset, "tienda.csv", rows.encode())
    database = build(dataset)
    found = ask(database, "¿Qué día está cerrada la tienda?", SearchMode.HYBRID)

    assert sources(found)[0] == "lunes"
    [fusion] = [stage for stage in found.stages if stage.name == "fusion"]
    assert "meaning counts 20%" in fusion.note


@in_database
def test_without_an_index_of_words_it_says_so(library):
    VectorDatabase.objects.update(keyword_facts=None)
    library.refresh_from_db()

    found = ask(library, "Which dog barks?", SearchMode.HYBRID)

    assert sources(found)[0] == "dogs"
    [stage] = [stage for stage in found.stages if stage.name == "keyword search"]
    assert "build this database again" in stage.note
    with pytest.raises(Conflict, match="build it again"):
        ask(library, "Which dog barks?", SearchMode.KEYWORD)


@in_database
def test_what_only_one_search_finds_can_come_first(library, monkeypatch):
    monkeypatch.setattr(ranking, "DEPTH", 1)
    found = ask(library, "Where does the KX-9917 water come from?", SearchMode.HYBRID, count=1)
    assert len(found.passages) == 1


def test_measures_are_stretched_and_weighed():
    near = Measure({1: -0.1, 2: -0.2, 3: -0.9}, 0.5)
    words = Measure({1: 0.0, 2: 8.0, 3: 10.0}, 0.5)
    assert fused([near, words], 3) == pytest.approx({2: 0.8375, 1: 0.5, 3: 0.5})
    assert list(fused([near, words], 3)) == [2, 1, 3]
    assert list(fused([near, words], 1)) == [2]


def test_a_measure_that_tells_nothing_apart_does_not_count():
    words = Measure({1: 3.0, 2: 3.0}, 0.5)
    assert fused([Measure({1: -0.9, 2: -0.1}, 0.5), words], 2) == {2: 0.5, 1: 0.0}
    assert list(fused([words], 2)) == [1, 2]
    assert fused([Measure({}, 0.5), Measure({}, 0.5)], 4) == {}
