"""A passage in its document: its text marked, its page drawn, for whoever may see it."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas

from playground.models import ChatPrompt
from tests.pages import steps
from tests.pages.conftest import HTMX
from tests.pages.steps import SLOW
from tests.vectordb import samples
from tests.vectordb.conftest import add, build
from vectordb import edit_work, files, services
from vectordb.models import Chunk, VectorDatabase

RULES = "\n".join(f"Rule {number}: tools come back by noon." for number in range(30))


@pytest.fixture
def database(world) -> VectorDatabase:
    """Of two documents, one with pages."""
    add(world.dataset, "rules.pdf", samples.pdf(RULES, "Keys are at the lodge."))
    return build(world.dataset, chunk_size=128)


@pytest.fixture
def alices(client, alice, world):
    client.force_login(alice)
    return client


def chunk_of(database: VectorDatabase, words: str) -> Chunk:
    return Chunk.objects.filter(vector_database_id=database.pk, text__contains=words)[0]


def at(name: str, chunk: Chunk) -> str:
    return reverse(f"vectordb:{name}", args=[chunk.vector_database_id, chunk.id])


def test_a_passage_stands_marked_in_its_text(alices, database):
    chunk = chunk_of(database, "Rule 20")

    page = alices.get(at("vector-database-chunk", chunk)).content.decode()

    assert f'<mark id="passage">{chunk.text}</mark>' in page
    assert "Rule 0: tools" in page
    assert "Keys are at the lodge." in page
    assert "rules.pdf · p. 1" in page
    assert f"/chunks/{chunk.id - 1}/#passage" in page
    assert f"/documents/{chunk.document_id}/pages/1.png" in page


def test_a_part_of_it_can_be_marked_alone(alices, database):
    chunk = chunk_of(database, "Rule 20")
    part = {"start": chunk.start + 2, "end": chunk.end}

    page = alices.get(at("vector-database-chunk", chunk), part).content.decode()

    assert f'<mark id="passage">{chunk.text[2:]}</mark>' in page
    places = alices.get(at("vector-database-chunk-places", chunk), part, headers=HTMX)
    assert "<rect" in places.content.decode()


def test_text_without_pages_stands_alone(alices, database):
    chunk = chunk_of(database, "thirty days")

    page = alices.get(at("vector-database-chunk", chunk)).content.decode()

    assert '<mark id="passage"># Returns' in page
    assert ".png" not in page
    assert alices.get(at("vector-database-chunk-places", chunk)).status_code == 404


def test_a_passage_that_cannot_be_found_on_its_page_says_so(alices, database):
    chunk = chunk_of(database, "Rule 20")
    Chunk.objects.filter(pk=chunk.pk).update(text="What a scan was read as.")

    places = alices.get(at("vector-database-chunk-places", chunk), headers=HTMX)

    assert "cannot be found on this page" in places.content.decode()


def test_a_damaged_original_says_so_beside_the_text(alices, database, world):
    chunk = chunk_of(database, "Rule 20")
    document = world.dataset.documents.get(name="rules.pdf")
    files.stored_path(document.stored_name).write_bytes(b"gone")

    places = alices.get(at("vector-database-chunk-places", chunk), headers=HTMX)

    assert places.status_code == 200
    assert "cannot be shown" in places.content.decode()


def test_what_is_kept_of_a_deleted_document_is_shown(alices, alice, database, world):
    chunk = chunk_of(database, "Rule 20")
    services.delete_dataset(world.dataset, user=alice)

    page = alices.get(at("vector-database-chunk", chunk)).content.decode()

    assert f'<mark id="passage">{chunk.text}</mark>' in page
    assert "The document was deleted since" in page
    assert ".png" not in page


def test_a_page_is_kept_by_the_browser_until_it_changes(alices, database, world):
    document = world.dataset.documents.get(name="rules.pdf")
    url = reverse("vectordb:document-page", args=[document.pk, 1])

    first = alices.get(url)
    again = alices.get(url, headers={"if-none-match": first.headers["ETag"]})

    assert first.headers["Content-Type"] == "image/png"
    assert first.content.startswith(b"\x89PNG")
    assert first.headers["Cache-Control"].startswith("private")
    assert (again.status_code, again.content) == (304, b"")
    assert alices.get(url, headers={"if-none-match": '"other"'}).status_code == 200
    assert alices.get(reverse("vectordb:document-page", args=[document.pk, 9])).status_code == 404


@pytest.mark.parametrize("number", ["7", "9" * 30, "9" * 5_000])
@pytest.mark.parametrize("end", ["", "places/"])
def test_a_chunk_that_is_not_there_is_not_found(alices, database, number, end):
    assert alices.get(f"/vector-databases/{database.pk}/chunks/{number}/{end}").status_code == 404


def test_a_database_without_chunks_shows_none(alices, world):
    url = reverse("vectordb:vector-database-chunk", args=[world.database.pk, 1_000_000])

    assert alices.get(url).status_code == 404


def test_a_viewer_sees_text_and_page(client, vera, database):
    client.force_login(vera)
    chunk = chunk_of(database, "Rule 20")

    assert client.get(at("vector-database-chunk", chunk)).status_code == 200
    url = reverse("vectordb:document-page", args=[chunk.document_id, 1])
    assert client.get(url).status_code == 200


def test_whoever_does_not_see_the_document_gets_its_text_alone(
    client, alice, vera, database, world
):
    services.unlink_dataset(world.dataset, use_case=world.use_case, user=alice)
    client.force_login(vera)
    chunk = chunk_of(database, "Rule 20")

    page = client.get(at("vector-database-chunk", chunk)).content.decode()

    assert f'<mark id="passage">{chunk.text}</mark>' in page
    assert ".png" not in page
    assert client.get(at("vector-database-chunk-places", chunk), headers=HTMX).status_code == 404
    url = reverse("vectordb:document-page", args=[chunk.document_id, 1])
    assert client.get(url).status_code == 404


def cite(world, database: VectorDatabase, chunk: Chunk) -> None:
    """Have the answer cite the chunk, but for its first three characters."""
    [citation] = world.prompt.citations
    citation |= {"chunk_id": chunk.id, "document_id": chunk.document_id, "text": chunk.text[3:]}
    citation |= {"start": chunk.start + 3, "end": chunk.end, "page": 1}
    ChatPrompt.objects.update(citations=[citation], vector_database_id=database.pk)


def test_a_citation_leads_to_its_place_in_the_document(alices, database, world):
    chunk = chunk_of(database, "Rule 20")
    cite(world, database, chunk)

    url = reverse("playground:citation-detail", args=[world.prompt.pk, 1])
    shown = alices.get(url, headers=HTMX).content.decode()

    link = re.search(r'href="([^"]+)#passage"', shown)
    assert link is not None
    page = alices.get(link[1].replace("&amp;", "&")).content.decode()
    assert f'<mark id="passage">{chunk.text[3:]}</mark>' in page
    assert at("vector-database-chunk-places", chunk) in shown
    VectorDatabase.objects.get(pk=database.pk).delete()
    gone = alices.get(url).content.decode()
    assert "was deleted since" in gone
    assert chunk.text[3:] in gone
    assert "Show in the document" not in gone


def test_a_passage_that_was_edited_since_is_shown_as_it_was_cited(alices, alice, database, world):
    chunk = chunk_of(database, "Rule 20")
    cite(world, database, chunk)
    seen = services.revision_of(chunk.text)
    longer = f"{chunk.text} It was edited since."
    services.edit_chunk(database, chunk.id, user=alice, text=longer, seen=seen)
    edit_work.apply_edits(database.pk, lambda: None)

    url = reverse("playground:citation-detail", args=[world.prompt.pk, 1])
    shown = alices.get(url, headers=HTMX).content.decode()
    assert chunk.text[3:] in shown
    assert "It was edited since." not in shown
    page = alices.get(
        at("vector-database-chunk", chunk), {"start": chunk.start + 3, "end": chunk.end}
    )
    assert f'<mark id="passage">{longer}</mark>' in page.content.decode()
    # On the page of the PDF stands what the document says.
    places = alices.get(at("vector-database-chunk-places", chunk), headers=HTMX).content.decode()
    assert "<rect" in places


# In a browser, on the real product


@pytest.fixture(scope="module")
def cited(signed_in, tmp_path_factory) -> str:
    """The address of a chat whose answer cites a PDF."""
    path = tmp_path_factory.mktemp("own") / "tools.pdf"
    canvas = Canvas(str(path), pagesize=A5)
    for line, sentence in enumerate(
        ("The workshop lends tools.", "A drill may be kept for a week.")
    ):
        canvas.drawString(30, 500 - 20 * line, sentence)
    canvas.showPage()
    canvas.save()
    page = signed_in.new_page()
    steps.make_use_case(page, "Passages")
    steps.make_playground(page, "Tools")
    steps.upload_and_build(page, [path])
    steps.ask(page, "How long may a drill be kept?")
    page.wait_for_url("**/chats/*/")
    expect(page.locator(".source").first).to_be_visible(timeout=SLOW)
    url = str(page.url)
    page.close()
    return url


def test_a_citation_opens_its_page_with_the_passage_marked(page: Page, cited):
    page.goto(cited)
    page.locator(".source").first.click()

    expect(page.locator("dialog mark")).to_be_in_viewport()
    sheet = page.locator("dialog .drawn")
    expect(sheet.get_by_text("marked on the page")).to_be_visible(timeout=SLOW)
    expect(sheet.locator("rect").first).to_be_visible()
    page.locator("dialog").get_by_role("link", name="Show in the document").click()
    page.wait_for_url("**/chunks/**#passage")
    expect(page.locator("mark#passage")).to_be_in_viewport()
    expect(page.get_by_text("marked on the page")).to_be_visible(timeout=SLOW)
    drawn = page.locator(".drawn img")
    assert drawn.evaluate("image => image.complete && image.naturalWidth > 1000")
    rectangle = page.locator(".drawn rect").first.bounding_box()
    paper = drawn.bounding_box()
    assert rectangle is not None
    assert paper is not None
    # Where its first line was drawn: 500 of 595 points from below.
    share = (rectangle["y"] - paper["y"]) / paper["height"]
    assert 0.1 < share < 0.2
