"""How the results of a retrieval test are compared."""

import pytest

from playground.models import RetrievalSide, RetrievalTest
from playground.retrieval_results import results_of
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalMode, RetrievalSettings, Retriever

pytestmark = pytest.mark.django_db


def passage(chunk_id, rank, start=0, end=100, document="a" * 24, **more):
    return {
        "chunk_id": chunk_id,
        "document_id": document,
        "document_name": "a.md",
        "start": start,
        "end": end,
        "rank": rank,
        "token_count": 10,
        "ranks": {},
        **more,
    }


def dropped(chunk_id, stage, why):
    return passage(chunk_id, 9) | {"stage": stage, "why": why}


@pytest.fixture
def compare(alice, use_case):
    """Makes a finished test of these sides and reads it: (database, passages, dropped, settings)."""
    database = VectorDatabase.objects.create(
        use_case=use_case,
        name="Shelf",
        family_id="1" * 24,
        dimensions=384,
        chunk_size=128,
        chunk_overlap_percentage=0,
        separators=[],
        created_by=alice,
    )

    def make(*sides, errors=("", "")):
        test = RetrievalTest.objects.create(vector_database=database, text="?", created_by=alice)
        for position, (name, passages, gone) in enumerate(sides):
            RetrievalSide.objects.create(
                test=test,
                position=position,
                vector_database_id=name * 24,
                passages=passages,
                explain={"stages": [], "dropped": gone},
                error_message=errors[position],
            )
        return results_of(test)

    return make


def shifts(view):
    return [row.shift for row in view.passages]


def test_in_one_database_a_chunk_is_a_chunk_however_it_was_trimmed(compare):
    results = compare(
        ("d", [passage(1, 1), passage(2, 2), passage(3, 3)], []),
        ("d", [passage(3, 1, start=50), passage(2, 2), passage(9, 3)], []),
    )

    left, right = results.sides
    assert shifts(left) == ["", "same rank", "rank 3 → 1"]
    assert shifts(right) == ["rank 3 → 1", "same rank", ""]
    assert (results.shared, left.only, right.only) == (2, 1, 1)


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (passage(7, 1, start=100, end=200), True),
        (passage(7, 1, start=150, end=300), True),
        (passage(7, 1, start=151, end=300), False),
        (passage(7, 1, start=0, end=400), True),
        (passage(7, 1, start=200, end=300), False),
        (passage(7, 1, start=100, end=200, document="b" * 24), False),
        (passage(7, 1, start=100, end=200, document_name="row 2"), False),
        # Its number means nothing in another database.
        (passage(1, 1, start=300, end=400), False),
    ],
)
def test_between_databases_half_of_the_shorter_text_must_be_common(compare, other, is_same):
    results = compare(("d", [passage(1, 1, start=100, end=200)], []), ("e", [other], []))

    assert results.shared == is_same


def test_each_passage_is_paired_once(compare):
    whole = passage(1, 1, start=0, end=400)
    halves = [passage(1, 1, start=0, end=200), passage(2, 2, start=200, end=400)]
    results = compare(("d", [whole], []), ("e", halves, []))

    assert (results.shared, results.sides[1].only) == (1, 1)


def test_what_the_cap_cut_stands_apart_and_explains_what_is_missing(compare):
    gone = [dropped(1, "token cap", "is last"), dropped(5, "de-duplication", "is said twice")]
    results = compare(("d", [passage(1, 1), passage(2, 2)], []), ("d", [], gone))

    left, right = results.sides
    assert [row.why for row in left.passages] == ["token cap: is last", ""]
    assert [one["chunk_id"] for one in right.cut] == [1]
    assert [one["chunk_id"] for one in right.dropped] == [5]
    # Chunks of another database are others, whatever their numbers.
    left, _ = compare(("d", [passage(1, 1)], []), ("e", [], gone)).sides
    assert [row.why for row in left.passages] == [""]


def test_a_side_that_failed_is_compared_with_nothing(compare):
    left, right = ("d", [passage(1, 1)], ()), ("d", [passage(1, 1)], ())

    assert compare(left, right).is_compared
    assert not compare(left, right, errors=("", "The database is gone.")).is_compared
    assert not compare(left).is_compared


def test_figures_are_ready_to_be_read(compare):
    ranks = {"words": 4, "meaning": 2, "another": 1, "fusion": 3}
    [view] = compare(("d", [passage(1, 1, ranks=ranks)], [])).sides
    assert view.passages[0].ranks == [("meaning", 2), ("words", 4), ("fused", 3), ("another", 1)]
    assert view.stages == []

    view.side.explain["stages"] = [
        {"name": "embed", "entered": 1, "left": 1, "milliseconds": 5.0},
        {"name": "search", "entered": 1_000_000, "left": 100, "milliseconds": 2.0},
        {"name": "token cap", "entered": 100, "left": 0, "milliseconds": 1.0},
    ]
    settings = RetrievalSettings(
        max_tokens=2_000,
        add_neighbor_chunks=True,
        retrieval_mode=RetrievalMode.MMR,
        retriever=Retriever.MULTI_STEP,
        similarity_threshold=0.25,
        rerank=True,
    )
    view.side.retrieval_settings = settings.to_json()
    view.side.save()
    [view] = results_of(view.side.test).sides
    assert [row.share for row in view.stages] == [0.05, 0.334, 0]
    assert (view.milliseconds, view.search_ms, view.tokens) == (8, 3, 10)
    assert view.settings == [
        str(Retriever.MULTI_STEP.label),
        "By meaning and by words",
        "4 chunks",
        "maximal marginal relevance, λ 0.5",
        "reranked",
        "similarity 0.25 at least",
        "cap 2,000 tokens",
        "neighbours",
    ]
