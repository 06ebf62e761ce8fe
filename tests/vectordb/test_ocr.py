"""Pages that are images: read where there is a tesseract, else it is said what is missing.

A program of that name stands in for it, which tells how it was called and what it was given.
"""

import sys
from pathlib import Path

import psutil
import pytest

from tests.vectordb import samples
from tests.vectordb.conftest import add, build
from vectordb.models import Chunk
from vectordb.parser_process import ParserProcess
from vectordb.parsing import ocr, pdf, reader
from vectordb.parsing.base import Kind, ParseError

PROGRAM = """#!{python}
import os, signal, sys
from PIL import Image
if "--list-langs" in sys.argv:
    print("List of available languages (3):\\neng\\ndeu\\nosd")
elif "--version" in sys.argv:
    print("tesseract 5.3.0")
elif "failing" in sys.argv[0]:
    sys.exit("Image too large")
elif "endless" in sys.argv[0]:
    folder = os.path.dirname(os.path.dirname(sys.argv[0]))
    with open(folder + "/new", "w") as file:
        file.write(f"{{os.getpid()}} {{sys.argv[1]}}")
    os.rename(folder + "/new", folder + "/started-1")
    signal.pause()
else:
    _, image, output, *options = sys.argv
    size = Image.open(image).size
    text = "" if "blank" in sys.argv[0] else f"Read as {{options[1]}}, {{size[0]}} by {{size[1]}}."
    open(output + ".txt", "w").write(text)
"""


@pytest.fixture(autouse=True)
def forget():
    """What is found out once for a process is found out anew for each test, and after them."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    ocr.is_there.cache_clear()
    ocr._languages.cache_clear()


@pytest.fixture
def tesseract(tmp_path, monkeypatch):
    """Nothing but it is on the path; called with a name, for one that behaves otherwise."""
    monkeypatch.delenv("GROUNDWORK_OCR_LANGUAGES", raising=False)

    def install(folder: str = "bin") -> None:
        program = tmp_path / folder / "tesseract"
        program.parent.mkdir()
        program.write_text(PROGRAM.format(python=sys.executable))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent))

    return install


@pytest.fixture
def none_there(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Three pages: an image, words, nothing."""
    path = tmp_path / "scan.pdf"
    path.write_bytes(samples.scan(samples.IMAGE, "Written words", ""))
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    path = tmp_path / "images.pdf"
    path.write_bytes(samples.scan(samples.IMAGE))
    return path


def test_pages_without_text_are_recognised_in_their_order(scan, tesseract):
    tesseract()

    pages = [(one.page, one.text.strip(), one.is_recognized) for one in pdf.parse(scan)]

    # A4 at 200 dots an inch
    assert pages == [
        (1, "Read as deu+eng, 1654 by 2339.", True),
        (2, "Written words", False),
        (3, "", False),
    ]


def test_the_languages_are_those_that_are_wanted(images, tesseract, monkeypatch):
    tesseract()
    monkeypatch.setenv("GROUNDWORK_OCR_LANGUAGES", "deu")

    assert "Read as deu," in next(pdf.parse(images)).text


def test_a_poster_is_made_smaller(tmp_path, tesseract):
    tesseract()
    path = tmp_path / "poster.pdf"
    path.write_bytes(samples.scan(samples.IMAGE, size=(6_000, 6_000)))

    assert "3465 by 3465" in next(pdf.parse(path)).text


def test_without_tesseract_it_is_asked_for(images, none_there):
    with pytest.raises(ParseError, match=r"OCR.*apt-get install tesseract-ocr"):
        list(pdf.parse(images))


def test_without_tesseract_the_pages_with_words_are_read(scan, none_there):
    assert [one.text.strip() for one in pdf.parse(scan)] == ["", "Written words", ""]


def test_images_without_words_say_so(images, tesseract):
    tesseract("blank")
    with pytest.raises(ParseError, match="found none in the images"):
        list(pdf.parse(images))


def test_a_language_that_is_missing_is_named(images, tesseract, monkeypatch):
    tesseract()
    monkeypatch.setenv("GROUNDWORK_OCR_LANGUAGES", "deu+fra")
    with pytest.raises(ParseError, match="does not know the language fra:"):
        list(pdf.parse(images))


def test_a_page_that_tesseract_fails_at_is_blank(scan, tesseract):
    tesseract("failing")
    assert [one.text.strip() for one in pdf.parse(scan)] == ["", "Written words", ""]


def test_a_very_long_page_is_made_smaller(tmp_path, tesseract):
    tesseract()
    path = tmp_path / "long.pdf"
    path.write_bytes(samples.scan(samples.IMAGE, size=(14_400, 50)))

    assert "3000" in next(pdf.parse(path)).text


def test_what_takes_too_long_in_all_is_refused(images, tesseract, monkeypatch):
    tesseract()
    monkeypatch.setattr(pdf, "MOST_SECONDS", 0)
    with pytest.raises(ParseError, match="too long to recognise"):
        list(pdf.parse(images))


def test_whoever_stops_reading_leaves_nothing_behind(images, tesseract, tmp_path):
    tesseract("endless")

    class StopError(Exception):
        pass

    def check() -> None:
        if list(tmp_path.glob("started-*")):
            raise StopError

    with pytest.raises(StopError), ParserProcess(check) as parser:
        list(parser.texts(images, Kind.PDF))

    [started] = tmp_path.glob("started-*")
    pid, picture = started.read_text().split(maxsplit=1)
    assert not Path(picture).parent.exists()
    assert not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == "zombie"


def test_a_page_that_takes_too_long_is_blank(images, tesseract, monkeypatch):
    tesseract()
    monkeypatch.setattr(ocr, "RECOGNITION_SECONDS", 0.001)
    with pytest.raises(ParseError, match="found none in the images"):
        list(pdf.parse(images))


def test_too_many_images_are_refused(tmp_path, tesseract, monkeypatch):
    tesseract()
    monkeypatch.setattr(pdf, "MOST_RECOGNIZED", 1)
    path = tmp_path / "two.pdf"
    path.write_bytes(samples.scan(samples.IMAGE, samples.IMAGE))
    with pytest.raises(ParseError, match="2 pages of this PDF up to page 2 are images"):
        list(pdf.parse(path))


def test_a_glance_recognises_nothing(images, tesseract):
    tesseract()
    request = {"path": str(images), "kind": Kind.PDF, "whole": False, "chunking": None}

    assert list(reader.answers(request)) == [
        {"text": "", "source": None, "recognized": False},
        {"end": True},
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("wanted", "used"), [("", "deu+eng"), ("eng", "eng")])
def test_a_scanned_document_becomes_chunks(dataset, images, tesseract, settings, wanted, used):
    tesseract()
    settings.OCR_LANGUAGES = wanted
    add(dataset, "scan.pdf", images.read_bytes())

    database = build(dataset)

    assert database.status == "COMPLETED"
    [chunk] = Chunk.objects.filter(vector_database_id=database.pk)
    assert chunk.text.startswith(f"Read as {used},")
