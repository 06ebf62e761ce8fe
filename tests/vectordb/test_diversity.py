import asyncio
import math

import pytest

from tests.vectordb.conftest import add, build
from vectordb.diversity import Candidate, diversified
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalMode, RetrievalSettings


def at(degrees: float, fit: float) -> Candidate:
    angle = math.radians(degrees)
    return Candidate(fit, [2 * math.cos(angle), 2 * math.sin(angle)])


CANDIDATES = {1: at(0, 0.9), 2: at(5, 0.8), 3: at(90, 0.5), 4: at(180, 0.1)}


@pytest.mark.parametrize(
    ("trade_off", "expected"),
    [(1, [1, 2, 3, 4]), (0, [1, 4, 3, 2]), (0.5, [1, 4, 3, 2]), (0.75, [1, 3, 2, 4])],
)
def test_the_trade_off_is_between_fit_and_difference(trade_off, expected):
    assert diversified(CANDIDATES, trade_off=trade_off, limit=9) == expected
    assert diversified(CANDIDATES, trade_off=trade_off, limit=2) == expected[:2]


def test_of_nothing_nothing_is_chosen():
    assert diversified({}, trade_off=0.5, limit=4) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("search_mode", ["hybrid", "vector", "keyword"])
def test_what_says_the_same_gives_way(dataset, search_mode):
    rows = [
        ("hours1", "The shop opens at nine and is closed on Mondays."),
        ("hours2", "The shop opens at nine and it is closed on Mondays."),
        ("hours3", "The shop opens at nine, and is closed on Mondays!"),
        ("boat", "The shop sends parcels to the islands by boat."),
        ("rain", "Umbrellas are rented out on days of rain."),
    ]
    lines = ["document,document_file_path", *(f'"{text}",{name}' for name, text in rows)]
    add(dataset, "shop.csv", "\n".join(lines).encode())
    database = build(dataset)

    def sources(mode: RetrievalMode) -> list[str]:
        settings = RetrievalSettings(
            max_documents_retrieved_per_prompt=2, search_mode=search_mode, retrieval_mode=mode
        )
        found = asyncio.run(retrieve(database, "When is the shop closed?", settings))
        names = [stage.name for stage in found.stages]
        assert ("diversity" in names) == (mode == RetrievalMode.MMR)
        return [passage.document_name for passage in found.passages]

    assert {name[:5] for name in sources(RetrievalMode.SIMILARITY)} == {"hours"}
    first, second = sources(RetrievalMode.MMR)
    assert (first[:5], second) == ("hours", "boat")
