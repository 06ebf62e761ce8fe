from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from config import formats
from vectordb.forms import BuildForm


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(None, ""), (0.24, "0.2 ms"), (6.4, "6 ms"), (1240, "1.24 s"), (185_000, "3 min 5 s")],
)
def test_durations(milliseconds, shown):
    assert formats.duration(milliseconds) == shown


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(1_400, "1 s"), (59_000, "59 s"), (61_000, "1 min"), (7_800_000, "2 h 10 min")],
)
def test_estimates(milliseconds, shown):
    assert formats.roughly(milliseconds) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, ""),
        (Decimal(0), "$0"),
        (Decimal("1234.5"), "$1,234.50"),
        (Decimal("0.0312"), "$0.03"),
        (Decimal("0.00031"), "$0.00031"),
        (Decimal("0.00000007"), "$0.000000070"),
    ],
)
def test_dollars(amount, shown):
    assert formats.dollars(amount) == shown


def test_the_time_between_two_moments():
    start = datetime(2026, 1, 1, tzinfo=UTC)

    assert formats.until(start, start + timedelta(seconds=2)) == "2.00 s"
    assert formats.until(start, None) == ""


def test_an_excerpt_is_running_text():
    assert formats.excerpt("# Returns\n\nWithin #5  days.\n\n## More") == (
        "Returns Within #5 days. More"
    )


@pytest.mark.parametrize(
    ("separator", "shown"),
    [("\n\n", r"\n\n"), (" ", '" "'), ("", '""'), ("\t", r"\t"), ("\\", "\\\\"), ("##", "##")],
)
def test_separators_are_written_as_in_code_and_read_back(db, separator, shown):
    assert formats.readable_separator(separator) == shown
    form = BuildForm(
        {
            "embedding_model": "sentence-transformers/all-MiniLM-L6-v2",
            "chunking_method": "recursive",
            "chunk_size": "256",
            "chunk_overlap_percentage": "10",
            "separators": f"{shown}\r\n",
        }
    )
    assert form.is_valid(), form.errors
    assert form.chunking().separators == (separator,)
