import io
import tracemalloc
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.errors import Forbidden
from tests.vectordb import samples
from tests.vectordb.conftest import add
from vectordb import files, services
from vectordb.models import Document


def upload(dataset, name: str, content: bytes):
    return services.add_files(
        dataset, user=dataset.created_by, files=[SimpleUploadedFile(name, content)]
    )


def stored(media) -> list[str]:
    return sorted(path.name for path in media.rglob("*") if path.is_file())


def test_a_file_is_stored_under_a_generated_name(dataset, media):
    document = add(dataset, "../../etc/My report.md", b"# Hello")

    assert document.name == "My report.md"
    assert stored(media) == [document.stored_name.rpartition("/")[2]]
    assert "report" not in document.stored_name
    assert files.stored_path(document.stored_name).read_bytes() == b"# Hello"
    assert (document.size, document.content_type) == (7, "text/markdown")
    assert document.sha256.startswith("01c8de44")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("C:\\Users\\ann\\report.txt", "report.txt"),
        ("a\nb\x00c\u202egpj.txt", "abcgpj.txt"),
        ("-own naïve 'quoted' 文書.txt", "-own naïve 'quoted' 文書.txt"),
        ("///", "unnamed"),
        ("x" * 600 + ".txt", "x" * 400 + "…" + "x" * 95 + ".txt"),
    ],
)
def test_a_name_is_a_label(name, expected):
    assert files.label(name) == expected


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.pdf", samples.pdf("text"), "application/pdf"),
        ("really-word.pdf", samples.word(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a", samples.slides(), "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("a.xlsx", samples.workbook(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("a.html", b"<p>x", "text/html"),
        ("unnamed", b"\xef\xbb\xbf <!DOCTYPE html><p>x", "text/html"),
        ("a.CSV", b"a,b", "text/csv"),
        ("a.log", b"plain", "text/plain"),
        ("a.txt", "wide".encode("utf-16"), "text/plain"),
        ("a.txt", b"with a \0 nul and more words", "text/plain"),
    ],
)  # fmt: skip
def test_the_content_says_what_a_file_is(dataset, name, content, kind):
    assert add(dataset, name, content).content_type == kind


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "empty"),
        ("a.pdf", samples.PNG, "a PNG image, which is not supported"),
        ("a.docx", samples.OLE, "Office 97 to 2003"),
        ("a.docx", samples.OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        ("a.zip", b"PK\x03\x04 and then nothing", "damaged"),
        ("a.zip", samples.archive({}), "no file in this ZIP"),
        ("a.odt", samples.archive({"mimetype": b"application/vnd.oasis.opendocument.text"}), "oasis"),
        ("a.vsdx", samples.archive({"[Content_Types].xml": b"", "visio/x": b""}), "another kind"),
        ("a.txt", bytes(range(32)) * 50, "binary file"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_and_leaves_nothing(dataset, media, name, content, message):
    [added] = upload(dataset, name, content)

    assert added.document is None
    assert message in added.error
    assert stored(media) == []
    assert not Document.objects.exists()


def test_a_file_over_the_limit_is_refused(dataset, media, settings):
    settings.MAX_FILE_BYTES = 1_000_000
    [added] = upload(dataset, "a.txt", b"x" * 1_000_001)
    assert "larger than 0 MB" in added.error
    assert stored(media) == []


def test_one_bad_file_stops_no_other(dataset):
    uploads = [
        SimpleUploadedFile("empty.txt", b""),
        SimpleUploadedFile("good.txt", b"fine"),
        SimpleUploadedFile("bad.pdf", samples.PNG),
    ]
    added = services.add_files(dataset, user=dataset.created_by, files=uploads)

    assert [(item.name, item.document is not None) for item in added] == [
        ("empty.txt", False),
        ("good.txt", True),
        ("bad.pdf", False),
    ]


def test_the_same_content_is_stored_once(dataset, media):
    first = add(dataset, "one.txt", b"same words")
    [again] = upload(dataset, "two.txt", b"same words")

    assert again.document == first
    assert "already there as “one.txt”" in again.error
    assert len(stored(media)) == dataset.documents.count() == 1


def test_a_zip_adds_its_members(dataset, media):
    content = samples.archive(
        {
            "manuals/": b"",
            "manuals/returns.docx": samples.word(),
            "manuals/hours.md": b"# Hours",
            "__MACOSX/._hours.md": b"junk",
            ".DS_Store": b"junk",
            "picture.png": samples.PNG,
            "inner.zip": samples.archive({"a.txt": b"a"}),
        }
    )
    added = {item.name: item for item in upload(dataset, "all.zip", content)}

    assert {name for name, item in added.items() if item.document} == {
        "manuals/returns.docx",
        "manuals/hours.md",
    }
    assert "PNG" in added["picture.png"].error
    assert "ZIP inside a ZIP" in added["inner.zip"].error
    assert len(added) == 4
    assert len(stored(media)) == 2


@pytest.mark.parametrize(
    "name", ["../../etc/evil.txt", "/etc/evil.txt", "C:/evil.txt", "a/../b.txt"]
)
def test_a_member_that_leads_outside_is_refused(dataset, media, name):
    bad, good = upload(dataset, "a.zip", samples.archive({name: b"evil", "good.txt": b"good"}))

    assert bad.document is None
    assert "outside" in bad.error
    assert good.document is not None
    assert len(stored(media)) == 1


def test_a_bomb_is_refused_before_it_is_unpacked(dataset, media, settings):
    settings.MAX_ARCHIVE_BYTES = 5_000_000
    [added] = upload(dataset, "bomb.zip", samples.archive({"zeros.txt": bytes(6_000_000)}))
    assert "unpacks to more than" in added.error
    assert stored(media) == []


def test_a_member_packed_too_tightly_is_left_out(dataset):
    bad, good = upload(
        dataset, "a.zip", samples.archive({"zeros.txt": bytes(3_000_000), "good.txt": b"good"})
    )
    assert "too tightly" in bad.error
    assert good.document is not None


def test_an_office_file_that_unpacks_to_too_much_is_refused(dataset, settings):
    settings.MAX_ARCHIVE_BYTES = 1_000_000
    members = {"[Content_Types].xml": b"", "word/document.xml": bytes(1_000_001)}
    [added] = upload(dataset, "a.docx", samples.archive(members))
    assert "more than can be read" in added.error


def test_a_zip_of_too_many_files_is_refused(dataset, settings):
    settings.MAX_ARCHIVE_MEMBERS = 2
    [added] = upload(dataset, "a.zip", samples.archive({f"{n}.txt": b"x" for n in range(3)}))
    assert "2 is the most" in added.error


def test_a_damaged_or_encrypted_member_fails_alone(dataset):
    content = bytearray(samples.archive({"bad.txt": b"some words " * 20, "good.txt": b"good"}))
    content[40] ^= 0xFF  # inside the first member's data
    bad, good = upload(dataset, "a.zip", bytes(content))
    assert "damaged inside its archive" in bad.error
    assert good.document is not None

    content = bytearray(samples.archive({"locked.txt": b"words"}))
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    [locked] = upload(dataset, "b.zip", bytes(content))
    assert "encrypted" in locked.error


def test_a_viewer_adds_nothing(dataset, vera):
    with pytest.raises(Forbidden):
        services.add_files(dataset, user=vera, files=[SimpleUploadedFile("a.txt", b"words")])


def test_nothing_is_added_to_a_dataset_that_was_deleted(dataset, media):
    gone = type(dataset).objects.get(pk=dataset.pk)
    services.delete_dataset(dataset, user=dataset.created_by)
    with pytest.raises(Forbidden):
        upload(gone, "a.txt", b"words")
    assert stored(media) == []


def packed(method: int, name: str, size: int, *, says: int | None = None) -> bytes:
    """A ZIP of one file of blanks, which may lie about how large that is."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", method) as archive, archive.open(name, "w") as member:
        for _ in range(size >> 20):
            member.write(b" " * (1 << 20))
    data = bytearray(output.getvalue())
    if says is not None:
        entry = data.rfind(b"PK\1\2")
        data[entry + 24 : entry + 28] = says.to_bytes(4, "little")
    return bytes(data)


def contents_of(count: int) -> bytes:
    """A ZIP that is nearly all table of contents."""
    entry = b"PK\1\2\x14\0\x14\0" + bytes(20) + b"\x01\0" + bytes(16) + b"a"
    table = entry * count
    place = len(table).to_bytes(4, "little") + bytes(4) + bytes(2)
    number = min(count, 0xFFFF).to_bytes(2, "little")
    return b"PK\3\4" + bytes(26) + table + b"PK\5\6" + bytes(4) + number * 2 + place


@pytest.mark.parametrize(
    "content",
    [
        packed(zipfile.ZIP_DEFLATED, "mimetype", 200 << 20),
        packed(zipfile.ZIP_BZIP2, "mimetype", 200 << 20, says=1000),
        packed(zipfile.ZIP_BZIP2, "a.txt", 200 << 20, says=1000),
        contents_of(150_000),
    ],
    ids=["type", "packed type", "packed member", "contents"],
)
def test_no_zip_takes_more_memory_than_it_may(dataset, content):
    tracemalloc.start()
    try:
        [added] = upload(dataset, "bomb.zip", content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert added.error
    assert peak < 40 << 20
