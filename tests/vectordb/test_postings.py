"""What is packed into a keyword table's rows is what comes out of them."""

from collections import Counter

import numpy as np
import pytest

from vectordb.keyword_layout import Layout
from vectordb.models import CHUNKS_PER_DOCUMENT
from vectordb.postings import LAYOUT, POSTING_BYTES, Run, Section, read

DOCUMENTS = (1, 40, 16, 300)


def made_up() -> list[Section]:
    """Documents of so many chunks; of each term, the share of chunks that its name says."""
    random = np.random.default_rng(3)
    sections = []
    for number, chunks in enumerate(DOCUMENTS, 1):
        for position in range(chunks):
            if position % 16 == 0:
                sections.append(Section())
            counts = Counter(
                {
                    f"{percent} %": int(random.integers(1, 400))
                    for percent in (1, 10, 30, 40, 99)
                    if random.random() < percent / 100
                }
            )
            chunk_id = number * CHUNKS_PER_DOCUMENT + position
            sections[-1].chunks.append((chunk_id, counts, counts.total()))
    return sections


def packed(sections: list[Section]) -> dict[str, bytes]:
    run = Run()
    for section in sections:
        run.add(section)
    rows = list(run.rows())
    assert [term for term, _ in rows[1:]] == sorted(term for term, _ in rows[1:])
    return dict(rows)


@pytest.mark.parametrize("cut", [1, 2, 20])
def test_all_that_was_packed_comes_out_again(cut):
    """In one run, and in two of which the second begins at the section `cut`."""
    sections = made_up()
    runs = {part[0].chunks[0][0]: packed(part) for part in (sections[:cut], sections[cut:])}
    layout = Layout.of([(first_id, rows[LAYOUT]) for first_id, rows in runs.items()])
    chunks = [chunk for section in sections for chunk in section.chunks]
    assert layout.total == len(chunks)
    ids, _ = layout.scored(np.ones(len(chunks), np.float32), np.zeros(len(sections), np.float32))
    assert ids.tolist() == [chunk_id for chunk_id, *_ in chunks]

    for term in ("1 %", "10 %", "30 %", "40 %", "99 %"):
        own, around = np.zeros(len(chunks), int), np.zeros(len(sections), int)
        for first_id, rows in runs.items():
            if term in rows:
                part = layout.part(first_id, rows[term])
                own[part.chunks] += part.counts
                around[part.sections] += part.section_counts
        expected = [min(counts[term], 255) for _, counts, _ in chunks]
        assert own.tolist() == expected
        assert around.tolist() == [
            sum(min(counts[term], 255) for _, counts, _ in section.chunks) for section in sections
        ]


def test_what_is_in_many_chunks_takes_a_byte_in_each_and_the_rest_three_a_chunk():
    rows = packed(made_up())
    for term, packed_postings in rows.items():
        if term != LAYOUT:
            holding = int(np.count_nonzero(read(packed_postings, sum(DOCUMENTS)).counts))
            assert len(packed_postings) == min(POSTING_BYTES * holding, sum(DOCUMENTS))


def test_a_run_takes_no_more_chunks_than_it_can_number():
    run, numbered = Run(), 0
    while not run.is_full_for(section := one_section(numbered)):
        run.add(section)
        numbered += len(section.chunks)
    assert numbered == 1 << 16
    rows = dict(run.rows())
    places = read(rows["rare"], numbered).places
    assert places is not None
    assert places.tolist() == [numbered - 1]


def one_section(first: int) -> Section:
    ids = range(first, first + 16)
    return Section(
        [(n, Counter(["rare"] if n == (1 << 16) - 1 else ["often"]), 1) for n in ids], ["en"] * 16
    )
