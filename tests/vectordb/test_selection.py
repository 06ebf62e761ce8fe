from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from vectordb.embedding_models import MINILM
from vectordb.passages import Passage
from vectordb.selection import cap, without_overlap
from vectordb.tokens import count_tokens

TEXT = " ".join(f"word{number}" for number in range(400))


def passage(position: int, start: int, end: int, document: str = "d", rank: int = 1) -> Passage:
    text = TEXT[start:end]
    return Passage(
        chunk_id=position,
        document_id=document,
        document_name=document,
        page=None,
        position=position,
        start=start,
        end=end,
        text=text,
        token_count=count_tokens(text),
        similarity=0.5,
        rank=rank,
    )


def test_what_overlaps_is_said_once_by_the_better_passage():
    best, before, after = passage(5, 100, 200), passage(4, 50, 130), passage(6, 170, 260)
    kept = without_overlap([best, before, after], MINILM)

    assert kept[0] == best
    assert [(p.start, p.end) for p in kept[1:]] == [(50, 100), (200, 260)]
    for trimmed in kept:
        assert TEXT[trimmed.start : trimmed.end].strip() == trimmed.text.strip()
        assert trimmed.token_count == count_tokens(trimmed.text)


def test_a_passage_of_which_nothing_is_left_is_dropped():
    both = [passage(4, 0, 100), passage(6, 80, 200)]
    assert len(without_overlap([*both, passage(5, 50, 110)], MINILM)) == 2
    assert len(without_overlap([passage(4, 0, 100), passage(5, 20, 100)], MINILM)) == 1


def test_another_document_takes_nothing_away():
    both = [passage(4, 0, 100), passage(5, 50, 150, document="e")]
    assert without_overlap(both, MINILM) == both


@st.composite
def ranked(draw) -> list[Passage]:
    """Chunks of one document, as a chunker makes them, in an order of preference."""
    ends = sorted(draw(st.sets(st.integers(10, 2_000), min_size=1, max_size=12)))
    starts = sorted(draw(st.integers(0, end - 1)) for end in ends)
    chunks = [
        passage(position, start, end)
        for position, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    shuffled: list[Passage] = draw(st.permutations(chunks))
    return shuffled


@settings(max_examples=150, deadline=None)
@given(passages=ranked(), limit=st.integers(1, 600))
def test_the_cap_holds_exactly_and_nothing_is_said_twice(passages, limit):
    unique = without_overlap(passages, MINILM)
    kept = cap(unique, limit, MINILM)

    assert sum(p.token_count for p in kept) == sum(count_tokens(p.text) for p in kept) <= limit
    assert [p.chunk_id for p in kept] == [p.chunk_id for p in unique][: len(kept)]
    said = sorted((p.start, p.end) for p in unique)
    assert all(first[1] <= second[0] for first, second in pairwise(said))
    if len(kept) < len(unique) and not kept[-1].is_cut:
        assert sum(p.token_count for p in unique[: len(kept) + 1]) > limit


def test_a_first_passage_too_long_alone_is_cut_and_marked():
    [cut] = cap([passage(0, 0, 1_000), passage(1, 1_000, 1_010)], 20, MINILM)
    assert cut.is_cut
    assert cut.token_count == count_tokens(cut.text) <= 20
    assert TEXT[cut.start : cut.end] == cut.text


def test_without_a_cap_all_is_kept_and_with_nothing_left_nothing():
    passages = [passage(0, 0, 100), passage(1, 100, 200)]
    assert cap(passages, None, MINILM) == passages
    assert cap(passages, 0, MINILM) == []
    assert cap(passages, -5, MINILM) == []
    assert cap([], 5, MINILM) == []
