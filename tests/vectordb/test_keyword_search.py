"""Search by words, against the same formula computed one chunk at a time."""

import math
from collections import Counter, defaultdict

import psycopg
import pytest
from django.db import OperationalError, connection
from psycopg import sql

from config.database import connection_parameters
from tests.vectordb.conftest import add, build, create
from vectordb import ingest, keyword_index, keyword_search, partitions, postings, services, tasks
from vectordb.interruption import Interrupted
from vectordb.keyword_search import K1, SECTION_WEIGHT, B, score_words
from vectordb.lexing import terms
from vectordb.metadata_filter import to_sql
from vectordb.models import CHUNKS_PER_DOCUMENT, Chunk, VectorDatabase
from vectordb.postings import SECTION
from vectordb.reuse import READING, same_content

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = (
    "document,document_file_path,topic,year\n"
    '"The lamps of the north burn rapeseed oil, and the oil is dear.",north,lamps,1840\n'
    '"The lamps of the south burn whale oil.",south,lamps,1850\n'
    '"A keeper is paid eleven pounds each quarter.",wages,money,1850\n'
    '"Whales were hunted far from the coast.",whales,sea,1840\n'
)


@pytest.fixture
def library(dataset) -> VectorDatabase:
    add(dataset, "lamps.csv", ROWS.encode())
    return build(dataset)


def found(
    database: VectorDatabase, question: str, limit: int = 10, **metadata: object
) -> list[str]:
    """The sources of the chunks, best first."""
    database.refresh_from_db()
    condition = to_sql(metadata) if metadata else None
    ids = score_words(database, question).best(limit, condition)
    sources = dict(Chunk.objects.values_list("id", "metadata__source"))
    return [sources[chunk_id] for chunk_id in ids]


def tables() -> set[str]:
    return {name for name in connection.introspection.table_names() if "keywords" in name}


def bm25(documents: dict[int, Counter[str]], question: list[str]) -> dict[int, float]:
    """The formula as it stands in the paper."""
    mean = sum(map(Counter.total, documents.values())) / len(documents)
    scores: dict[int, float] = defaultdict(float)
    for term in question:
        holding = sum(term in counts for counts in documents.values())
        idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
        for name, counts in documents.items():
            length = counts.total()
            part = counts[term] + K1 * (1 - B + B * length / mean)
            scores[name] += idf * counts[term] * (K1 + 1) / part
    return scores


def test_words_find_what_holds_them_in_any_form(library):
    assert found(library, "Which whale was hunted?") == ["whales", "south"]
    assert found(library, "burning RAPESEED oils")[0] == "north"
    assert found(library, "the of and") == []
    assert found(library, "submarine") == []


def test_scores_are_those_of_the_formula(dataset):
    words = ["lamp", "oil", "whale", "keeper", "north", "boat"]
    for number in range(6):
        text = " ".join(
            f"{words[(number * k + k // 3) % 6]} filler{k}" for k in range(1, 80 * (number + 1))
        )
        add(dataset, f"{number}.txt", text.encode())
    database = build(dataset, chunk_size=128)
    chunks = list(Chunk.objects.filter(vector_database_id=database.pk))
    counts = {chunk.id: Counter(terms(chunk.text, chunk.language)) for chunk in chunks}
    assert max(chunk.position for chunk in chunks) >= SECTION
    of_section: dict[int, Counter[str]] = defaultdict(Counter)
    for chunk in chunks:
        of_section[_section(chunk.id)] += counts[chunk.id]
    question = "Did the whale sink the boat, or the boat the keeper?"
    asked = terms(question, "en")

    scored = score_words(database, question)

    own, around = bm25(counts, asked), bm25(of_section, asked)
    for chunk_id, score in scored.of(sorted(counts)).items():
        whole = own[chunk_id] + SECTION_WEIGHT * around[_section(chunk_id)]
        assert score == pytest.approx(whole if own[chunk_id] else 0, rel=1e-6)
    assert scored.total == sum(score > 0 for score in own.values()) > 10
    best = scored.best(5)
    rest = scored.of([chunk_id for chunk_id in counts if chunk_id not in best])
    assert min(scored.of(best).values()) >= max(rest.values())


def _section(chunk_id: int) -> int:
    return chunk_id - chunk_id % CHUNKS_PER_DOCUMENT % SECTION


def test_a_section_ends_where_a_document_does(library):
    """Each row is a document of its own, though they stand in one file."""
    assert library.keyword_facts["sections"] == library.keyword_facts["chunks"] == 4


def test_runs_are_one_index(library, monkeypatch):
    before = score_words(library, "whale oil lamps").of(_ids(library))
    monkeypatch.setattr(postings, "_MOST_TERMS_IN_RUN", 1)
    VectorDatabase.objects.update(keyword_facts=None)
    _bring_up_to_date(library)

    assert score_words(library, "whale oil lamps").of(_ids(library)) == pytest.approx(before)
    statement = sql.SQL("SELECT count(*) FROM {} WHERE term = 'oil'")
    with connection.cursor() as cursor:
        cursor.execute(statement.format(keyword_index.table(library.pk)))
        assert cursor.fetchone() == (2,)


def _ids(database: VectorDatabase) -> list[int]:
    chunks = Chunk.objects.filter(vector_database_id=database.pk)
    return list(chunks.order_by("id").values_list("id", flat=True))


def _bring_up_to_date(database: VectorDatabase) -> None:
    database.refresh_from_db()
    keyword_index.bring_up_to_date(database, lambda: None)
    database.refresh_from_db()


# By looking farther down, and by looking up what the filter keeps.
@pytest.mark.parametrize("growth", [100, 2])
def test_a_filter_holds_however_far_down_its_chunks_are(library, monkeypatch, growth):
    monkeypatch.setattr(keyword_search, "_FIRST_CHECK", 1)
    monkeypatch.setattr(keyword_search, "_GROWTH", growth)
    question = "whale oil lamps of the coast"
    assert found(library, question, topic="sea") == ["whales"]
    assert found(library, question, topic="lamps", limit=1) == found(library, question)[:1]
    assert found(library, question, year=1850) == ["south"]
    assert found(library, question, topic="none") == []


@pytest.mark.parametrize("growth", [100, 2])
def test_a_percent_sign_in_a_filter_is_one(dataset, monkeypatch, growth):
    monkeypatch.setattr(keyword_search, "_FIRST_CHECK", 1)
    monkeypatch.setattr(keyword_search, "_GROWTH", growth)
    rows = "document,document_file_path,rate\n" + "".join(
        f"Oil of whales {number}.,{rate},{rate}\n"
        for number, rate in enumerate(("5%", "50%%", "%s", "none"))
    )
    add(dataset, "rates.csv", rows.encode())
    database = build(dataset)

    for rate in ("5%", "50%%", "%s"):
        assert found(database, "whale oil", rate=rate) == [rate]
    assert set(found(database, "whale oil", rate={"$contains": "%"})) == {"5%", "50%%", "%s"}


def test_questions_in_each_language_of_the_documents_are_understood(dataset):
    rows = "document,document_file_path\n" + "".join(
        f'"{text}",{name}\n'
        for name, text in (
            ("en", "The refunds are paid within thirty days, as the law of the land has it."),
            ("es", "Las devoluciones se pagan en treinta días, según la ley del país."),
            ("zh", "退款将在三十天内支付。按照国家的法律规定办理手续。"),
        )
    )
    add(dataset, "laws.csv", rows.encode())
    database = build(dataset)

    facts = database.keyword_facts or {}
    assert set(facts["languages"]) == {"en", "es", "zh"}
    assert found(database, "When is a refund paid?") == ["en"]
    assert found(database, "¿Cuándo se paga una devolucion?") == ["es"]
    assert found(database, "什么时候退款") == ["zh"]


def test_documents_that_come_later_are_found_and_deleted_ones_not(dataset, library, alice):
    document = add(dataset, "boats.md", b"# Boats\n\nA submarine dives below the waves.\n")
    library.ingestions.create(document=document, number=2)
    ingest.ingest(library.pk)
    assert found(library, "submarines") == ["boats.md"]
    assert found(library, "whale hunt")[0] == "whales"

    services.delete_document(document, user=alice)
    assert found(library, "submarines") == []


def test_a_build_that_is_interrupted_leaves_the_index_before(dataset, library):
    def interrupt() -> None:
        raise Interrupted

    library.ingestions.update(finished_at="2096-01-01T00:00:00Z")
    with pytest.raises(Interrupted):
        keyword_index.bring_up_to_date(library, interrupt)
    assert tables() == {keyword_index.table_name(library.pk)}
    assert found(library, "whale hunt")[0] == "whales"

    _bring_up_to_date(library)
    assert tables() == {keyword_index.table_name(library.pk)}
    assert found(library, "whale hunt")[0] == "whales"


def test_nothing_is_built_twice(library, monkeypatch):
    monkeypatch.setattr(keyword_index, "build", None)
    _bring_up_to_date(library)
    assert library.keyword_facts["chunks"] == 4


def test_with_the_database_goes_its_index(library):
    assert tables() == {keyword_index.table_name(library.pk)}
    tasks.drop_chunks(library.pk)
    assert tables() == set()


def test_of_an_endless_question_the_rarest_words_are_scored(library, monkeypatch):
    question = "hunted whale lamps"
    assert len(found(library, question)) == 3
    monkeypatch.setattr(keyword_search, "_MOST_BYTES", 1)
    assert found(library, question) == ["whales"]


def test_function_words_do_not_tell_languages_apart(dataset):
    rows = "document,document_file_path\n" + "".join(
        f'"{text}",{name}\n'
        for name, text in (
            (
                "de",
                "Das Lied The Road of the Fristen wird gern gesungen, heißt es, und zwar von allen "
                "Leuten, die abends noch lange wach sind und morgens nie rechtzeitig aufstehen.",
            ),
            ("en", "The deadline of a refund is thirty days from when the parcel has arrived."),
        )
    )
    add(dataset, "mixed.csv", rows.encode())
    database = build(dataset)
    assert set((database.keyword_facts or {})["languages"]) == {"de", "en"}
    assert found(database, "What is the deadline of the refund?") == ["en"]


def test_a_table_in_use_is_not_waited_for_so_long_that_others_wait_too(library, monkeypatch):
    monkeypatch.setattr(keyword_index, "_LOCK_TIMEOUT", "SET LOCAL lock_timeout = '50ms'")
    monkeypatch.setattr(keyword_index, "_SWAPS", 2)
    library.ingestions.update(finished_at="2096-01-01T00:00:00Z")
    statement = sql.SQL("SELECT count(*) FROM {}").format(keyword_index.table(library.pk))
    with psycopg.connect(**connection_parameters()) as dump:
        dump.execute(statement)
        with pytest.raises(OperationalError):
            _bring_up_to_date(library)
        assert found(library, "whale hunt")[0] == "whales"
    _bring_up_to_date(library)
    assert tables() == {keyword_index.table_name(library.pk)}


def test_a_database_that_is_deleted_in_the_middle_leaves_nothing(library):
    def delete() -> None:
        VectorDatabase.objects.filter(pk=library.pk).delete()

    library.ingestions.update(finished_at="2096-01-01T00:00:00Z")
    keyword_index.bring_up_to_date(library, delete)
    assert tables() == set()


def test_what_an_older_groundwork_cut_is_cut_again(dataset, library):
    [before] = library.ingestions.all()
    again = create(dataset).ingestions.get()
    assert same_content(again) == before
    library.ingestions.update(reading=READING - 1)
    assert same_content(again) is None


def test_the_size_of_a_database_includes_its_index(library):
    _, chunks = partitions.measure(library.pk)
    assert library.size == chunks + keyword_index.size(library.pk) > chunks
