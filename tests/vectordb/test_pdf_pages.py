"""Pages of PDFs drawn, and passages found on them, in a process that can be ended."""

import io
import threading
import time

import pytest
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from config.errors import Conflict, NotFound
from tests.vectordb import samples
from tests.vectordb.conftest import add, build
from vectordb import files, pdf_pages
from vectordb.models import Chunk, Document

LINES = [f"Line {number}: parcels over {number} kilograms go by freight." for number in range(40)]


def wanted() -> bool:
    return False


def written(document: Document, content: bytes) -> None:
    """Put other bytes in the place of an upload."""
    files.stored_path(document.stored_name).write_bytes(content)


def turned(degrees: int) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    canvas.setPageRotation(degrees)
    canvas.drawString(72, 760, "Top left of the sheet")
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_a_page_is_drawn_as_wide_as_a_screen_needs(dataset):
    document = add(dataset, "a.pdf", samples.pdf("One.", "Two."))

    with Image.open(io.BytesIO(pdf_pages.picture(document, 2, wanted))) as image:
        assert image.format == "PNG"
        assert image.width == pytest.approx(1200, abs=2)


@pytest.mark.parametrize("size", [(14_000.0, 14_000.0), (14_000.0, 1.0), (3.0, 14_000.0)])
def test_no_page_is_too_large_to_be_drawn(dataset, size):
    document = add(dataset, "a.pdf", samples.scan("One.", size=size))

    with Image.open(io.BytesIO(pdf_pages.picture(document, 1, wanted))) as image:
        assert image.width * image.height < 4_100_000


def test_every_chunk_is_found_on_its_page(dataset):
    pages = ["\n".join(LINES), "\n".join(reversed(LINES))]
    document = add(dataset, "a.pdf", samples.pdf(*pages))
    build(dataset, chunk_size=128)
    chunks = list(Chunk.objects.all())
    assert len(chunks) > 6

    for chunk in chunks[::3]:
        assert chunk.page is not None
        places = pdf_pages.places(document, chunk.page, chunk.text, wanted)
        lines = chunk.text.count("\n") + 1
        assert len(places) == pytest.approx(lines, abs=1)
        assert all(0 <= place.x < 5_000 and 0 < place.height < 250 for place in places)
        assert [place.y for place in places] == sorted(place.y for place in places)


def test_a_passage_is_found_by_its_ends_where_its_middle_differs(dataset):
    document = add(dataset, "a.pdf", samples.pdf("\n".join(LINES)))
    text = "\n".join(LINES[3:9]).replace("5: parcels", "5: (parcels)")

    assert len(pdf_pages.places(document, 1, text, wanted)) == pytest.approx(6, abs=1)


@pytest.mark.parametrize("text", ["Nothing like it", "", " ", LINES[1] + "x" * 100])
def test_what_is_not_on_the_page_has_no_place(dataset, text):
    document = add(dataset, "a.pdf", samples.pdf("\n".join(LINES)))

    assert pdf_pages.places(document, 1, text, wanted) == []


def test_ends_that_stand_far_apart_are_no_passage(dataset):
    document = add(dataset, "a.pdf", samples.pdf("\n".join(LINES)))

    def found(lines: list[str]) -> int:
        return len(pdf_pages.places(document, 1, "\n".join(lines), wanted))

    assert found(LINES[:2] + LINES[3:5]) == pytest.approx(5, abs=1)
    assert found(LINES[:2] + LINES[38:]) == 0


def scattered(letters: str) -> bytes:
    """Each in a piece of its own."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    for number, letter in enumerate(letters):
        row, column = divmod(number, 25)
        canvas.drawString(40 + 20 * column, 780 - 20 * row, letter)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_of_very_many_places_the_first_are_told(dataset):
    letters = "abcdefghij" * 60
    document = add(dataset, "a.pdf", scattered(letters))

    assert len(pdf_pages.places(document, 1, letters, wanted)) == 500
    assert len(pdf_pages.places(document, 1, letters[:400], wanted)) == 400


def test_a_process_that_says_too_much_is_not_listened_to(dataset, monkeypatch):
    document = add(dataset, "a.pdf", samples.pdf("\n".join(LINES)))
    monkeypatch.setattr(pdf_pages, "_MOST_PLACES_BYTES", 100)
    monkeypatch.setattr(pdf_pages, "_MOST_PICTURE_BYTES", 100)

    assert len(pdf_pages.places(document, 1, "\n".join(LINES[:3]), wanted)) == 3
    with pytest.raises(NotFound):
        pdf_pages.places(document, 1, "\n".join(LINES), wanted)
    with pytest.raises(NotFound):
        pdf_pages.picture(document, 1, wanted)


def test_a_scan_has_no_places(dataset):
    document = add(dataset, "a.pdf", samples.scan(samples.IMAGE, "One."))

    assert pdf_pages.places(document, 1, "Recognised text", wanted) == []


@pytest.mark.parametrize(
    ("degrees", "is_left", "is_top"),
    [(0, True, True), (90, False, True), (180, False, False), (270, True, False)],
)
def test_places_are_those_of_the_page_as_it_is_shown(dataset, degrees, is_left, is_top):
    document = add(dataset, "a.pdf", turned(degrees))

    [place] = pdf_pages.places(document, 1, "Top left of the sheet", wanted)

    assert (place.x < 5_000) == is_left
    assert (place.y < 5_000) == is_top
    assert (place.width > place.height) == (degrees % 180 == 0)


@pytest.mark.parametrize("page", [0, 2, 10**30])
def test_there_is_no_such_page(dataset, page):
    document = add(dataset, "a.pdf", samples.pdf("One."))

    with pytest.raises(NotFound):
        pdf_pages.picture(document, page, wanted)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4 nothing", samples.pdf("One.")[:400]])
def test_a_damaged_file_has_no_pages(dataset, content):
    document = add(dataset, "a.pdf", samples.pdf("One."))
    written(document, content)

    with pytest.raises(NotFound, match="damaged"):
        pdf_pages.picture(document, 1, wanted)


def test_only_pdfs_have_pages(dataset):
    document = add(dataset, "a.txt", b"One.")

    with pytest.raises(NotFound):
        pdf_pages.picture(document, 1, wanted)


def test_memory_is_capped(dataset, settings):
    document = add(dataset, "a.pdf", samples.pdf("One."))
    settings.PARSER_MEMORY_BYTES = 30 << 20

    with pytest.raises(NotFound):
        pdf_pages.picture(document, 1, wanted)


def test_a_page_that_takes_too_long_is_given_up(dataset, monkeypatch):
    document = add(dataset, "a.pdf", samples.pdf("One."))
    monkeypatch.setattr(pdf_pages, "_SECONDS", 0.0)

    with pytest.raises(NotFound):
        pdf_pages.picture(document, 1, wanted)


def test_nothing_is_drawn_for_who_has_left(dataset):
    document = add(dataset, "a.pdf", samples.pdf("One."))

    with pytest.raises(Conflict):
        pdf_pages.picture(document, 1, lambda: True)


@pytest.fixture
def all_are_drawing(monkeypatch):
    """One may draw, somebody does, and one may wait."""
    monkeypatch.setattr(pdf_pages, "_AT_ONCE", threading.BoundedSemaphore(1))
    monkeypatch.setattr(pdf_pages, "_ROOM", threading.BoundedSemaphore(2))
    with pdf_pages._ROOM, pdf_pages._AT_ONCE:
        yield


def test_of_many_at_once_some_wait_in_vain(dataset, monkeypatch, all_are_drawing):
    document = add(dataset, "a.pdf", samples.pdf("One."))
    monkeypatch.setattr(pdf_pages, "_WAIT_SECONDS", 0.01)

    with pytest.raises(Conflict, match="try again"):
        pdf_pages.picture(document, 1, wanted)

    pdf_pages._AT_ONCE.release()
    assert pdf_pages.picture(document, 1, wanted)
    assert pdf_pages._AT_ONCE.acquire(blocking=False)


def test_who_left_waits_no_longer(dataset, all_are_drawing):
    document = add(dataset, "a.pdf", samples.pdf("One."))

    with pytest.raises(Conflict, match="Nobody"):
        pdf_pages.picture(document, 1, lambda: True)


def test_who_finds_all_seats_taken_does_not_wait(dataset, monkeypatch, all_are_drawing):
    document = add(dataset, "a.pdf", samples.pdf("One."))
    monkeypatch.setattr(pdf_pages, "_WAIT_SECONDS", 60.0)
    with pdf_pages._ROOM:  # somebody waits
        begun = time.monotonic()
        with pytest.raises(Conflict, match="try again"):
            pdf_pages.picture(document, 1, wanted)
        assert time.monotonic() - begun < 5
