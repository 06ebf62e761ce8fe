"""Datasets fetched from an address: from public ones alone, within limits."""

import ipaddress
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from config.status import Status
from config.threads import in_thread
from playground.worker import ready
from tests.vectordb import samples
from vectordb import fetch_job, fetching, services
from vectordb.interruption import Interrupted
from vectordb.models import Dataset, Document

FROM_URL = "datasets/fromURL/"


# What is answered at each path: status, headers, body.
_ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/oil.txt": (200, {}, b"The lamps burn rapeseed oil."),
    "/set.zip": (200, {}, samples.archive({"a.txt": b"a", "b.exe": b"MZ\x00"})),
    "/export": (200, {"Content-Type": "text/csv; charset=utf-8"}, b"a,b\n1,2\n"),
    "/table.csv": (200, {}, 'a;b\n1;ä\n\n2;"x\ny"\n3;z\n'.encode("cp1252")),
    "/bare.csv": (200, {}, b"1,2\n3,4\n5,6\n"),
    "/named": (200, {"Content-Disposition": 'attachment; filename="../n.md"'}, b"words"),
    "/stuck": (200, {"Content-Length": "100"}, b"half"),
    "/short": (200, {"Content-Length": "100"}, b"half"),
    "/moved": (301, {"Location": "/oil.txt"}, b""),
    "/endless": (302, {"Location": "/endless"}, b""),
    "/inside": (302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""),
    "/elsewhere": (302, {"Location": "file:///etc/passwd"}, b""),
    "/garbled": (302, {"Location": "http://[::1"}, b""),
    "/misnamed.txt": (
        200,
        {"Content-Disposition": "attachment; filename*0*=a; filename*=''"},
        b"words",
    ),
}


# Set at the end: until then some answers do not come.
_released = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/silent":
            _released.wait(30)
        status, headers, body = _ANSWERS.get(self.path.partition("?")[0], (404, {}, b"no"))
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/stuck":
            _released.wait(30)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The address of a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    _released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def allowed(settings):
    settings.FETCH_ALLOWED_HOSTS = ["127.0.0.1"]


def fetched(api, url: str, **more) -> Dataset:
    """What becomes of it once its job has run."""
    response = api.post(FROM_URL, {"url": url, **more})
    assert response.status_code == 202, response.content
    dataset_id = response.json()["catalogId"]
    assert api.get(f"datasets/{dataset_id}/").json()["processingState"] == "NEW"
    fetch_job.run(dataset_id, url, should_end=lambda: False)
    return Dataset.objects.get(pk=dataset_id)


@pytest.mark.django_db(transaction=True)
def test_a_file_is_fetched_by_a_job(api, elsewhere, allowed, run_jobs):
    body = {
        "url": f"{elsewhere}/oil.txt?version=2",
        "doSnapshot": True,
        "persistDataAfterIngestion": True,
        "categories": ["TRAINING"],
        "sampleSize": None,
    }
    response = api.post(FROM_URL, body)
    run_jobs()

    dataset_id = response.json()["catalogId"]
    assert response["Location"] == f"http://testserver/api/v2/status/{dataset_id}/"
    assert api.get(f"status/{dataset_id}/").status_code == 303
    shown = api.get(f"datasets/{dataset_id}/").json()
    assert (shown["name"], shown["processingState"]) == ("oil.txt", "COMPLETED")
    assert (shown["datasetSize"], shown["categories"]) == (28, ["TRAINING"])


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        ("/moved", "oil.txt", "text/plain"),
        ("/named", "n.md", "text/markdown"),
        ("/misnamed.txt", "misnamed.txt", "text/plain"),
        ("/export?format=csv", "export.csv", "text/csv"),
        ("/set.zip", "a.txt", "text/plain"),
    ],
)
def test_a_file_is_called_as_its_server_says(api, elsewhere, allowed, path, name, kind):
    assert fetched(api, elsewhere + path).status == Status.COMPLETED
    document = Document.objects.get()
    assert (document.name, document.content_type) == (name, kind)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/missing", "answered 404"),
        ("/endless", "without an end"),
        ("/short", "broke off"),
        ("/inside", "not on the public internet"),
        ("/elsewhere", "begins with http"),
        ("/garbled", "one that is none"),
    ],
)
def test_what_cannot_be_fetched_makes_a_failed_dataset(api, elsewhere, allowed, path, why):
    dataset = fetched(api, elsewhere + path)

    assert dataset.status == Status.ERROR
    assert why in dataset.error_message
    assert not Document.objects.exists()


def test_a_server_on_this_machine_is_not_asked(api, elsewhere, monkeypatch):
    monkeypatch.setattr(fetching, "_connected", lambda _: pytest.fail("connected"))
    assert "not on the public internet" in fetched(api, f"{elsewhere}/oil.txt").error_message


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",  # noqa: S104 - nobody listens there
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[::127.0.0.1]",
        "[::ffff:0:7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[fec0::1]",
        "[3fff::1]",
        "192.0.0.8",
        "192.88.99.1",
        "224.0.0.1",
    ],
)
def test_no_way_of_writing_a_private_address_helps(db, api, host, monkeypatch):
    monkeypatch.setattr(fetching, "_connected", lambda _: pytest.fail("connected"))
    dataset = fetched(api, f"http://{host}/secret")
    assert dataset.status == Status.ERROR
    assert "not on the public internet" in dataset.error_message


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are_public(address):
    assert ipaddress.ip_address(address).is_global
    assert fetching._is_public(address)


def test_nobody_listening_is_told(api, allowed):
    dataset = fetched(api, "http://127.0.0.1:9/a.txt")
    assert "cannot be reached" in dataset.error_message


def test_an_encrypted_address_needs_a_certificate(api, elsewhere, allowed):
    dataset = fetched(api, f"{elsewhere.replace('http', 'https')}/oil.txt")
    assert "cannot be reached" in dataset.error_message


def test_too_large_a_file_is_refused(api, elsewhere, allowed, settings):
    settings.MAX_FILE_BYTES = 10
    assert "larger than" in fetched(api, f"{elsewhere}/oil.txt").error_message


@pytest.mark.parametrize("path", ["/silent", "/stuck"])
def test_a_server_that_draws_it_out_is_given_up(api, elsewhere, allowed, settings, path):
    settings.FETCH_SECONDS = 0.2
    assert "took too long" in fetched(api, elsewhere + path).error_message


@pytest.mark.django_db(transaction=True)
async def test_slow_servers_hold_up_nobody_else(alice, bob):
    for user, names in {alice: "ab", bob: "c"}.items():
        for name in names:
            url = f"http://example.com/{name}"
            await in_thread(partial(services.create_dataset_from_url, user=user, url=url))

    async with ready() as queue:
        take = partial(
            queue.job_manager.fetch_job, worker_id=await queue.job_manager.register_worker()
        )
        taken = [await take(queues=[name]) for name in ("ingest", *3 * ["evaluate"])]

    assert [str(job.task_kwargs["url"])[-1] if job else "" for job in taken] == ["", "a", "c", ""]


def test_a_dataset_may_be_deleted_while_it_is_fetched(api, alice, elsewhere, allowed):
    url = f"{elsewhere}/oil.txt"
    dataset_id = api.post(FROM_URL, {"url": url}).json()["catalogId"]

    def delete() -> bool:
        return bool(Dataset.objects.filter(pk=dataset_id).delete()[0]) and False

    fetch_job.run(dataset_id, url, should_end=delete)

    assert not Dataset.objects.exists()


def test_a_worker_that_ends_leaves_the_file_to_the_next(api, elsewhere, allowed):
    url = f"{elsewhere}/oil.txt"
    dataset_id = api.post(FROM_URL, {"url": url}).json()["catalogId"]

    with pytest.raises(Interrupted):
        fetch_job.run(dataset_id, url, should_end=lambda: True)
    assert Dataset.objects.get(pk=dataset_id).status == Status.RUNNING
    fetch_job.run(dataset_id, url, should_end=lambda: False)
    fetch_job.run(dataset_id, url, should_end=lambda: False)

    assert Dataset.objects.get(pk=dataset_id).status == Status.COMPLETED
    assert Document.objects.count() == 1


def test_a_job_that_broke_leaves_nothing_unfinished(api):
    dataset_id = api.post(FROM_URL, {"url": "http://example.com/a.txt"}).json()["catalogId"]
    fetch_job.fail(dataset_id)
    fetch_job.fail("0" * 24)
    fetch_job.run("0" * 24, "http://example.com/", should_end=lambda: False)
    assert Dataset.objects.get().status == Status.ERROR


def stored_in(media: Path) -> list[Path]:
    return [file for file in media.rglob("*") if file.is_file()]


@pytest.mark.parametrize(
    ("path", "rows", "kept"),
    [
        ("/table.csv", 1, "a,b\n1,ä\n"),
        ("/table.csv", 2, 'a,b\n1,ä\n2,"x\ny"\n'),
        ("/table.csv", 3, 'a,b\n1,ä\n2,"x\ny"\n3,z\n'),
        ("/table.csv", 2**31 - 1, 'a,b\n1,ä\n2,"x\ny"\n3,z\n'),
        ("/bare.csv", 1, "1,2\n"),
        ("/bare.csv", 2, "1,2\n3,4\n"),
        ("/oil.txt", 1, "The lamps burn rapeseed oil."),
    ],
)
def test_a_sample_is_the_first_rows(api, elsewhere, allowed, tmp_path, path, rows, kept):
    size = {"type": "rows", "value": rows}
    dataset = fetched(api, elsewhere + path, sampleSize=size)

    [stored] = stored_in(tmp_path)
    assert stored.read_text() == kept
    shown = api.get(f"datasets/{dataset.pk}/").json()
    assert (shown["processingState"], shown["sampleSize"]) == ("COMPLETED", size)
    assert shown["rowCount"] == min(rows, 3)
    assert shown["datasetSize"] == len(kept.encode())


def test_no_sample_is_taken_of_a_zip(api, elsewhere, allowed, tmp_path):
    dataset = fetched(api, f"{elsewhere}/set.zip", sampleSize={"type": "rows", "value": 1})

    assert dataset.status == Status.ERROR
    assert "fetch it as a whole" in dataset.error_message
    assert stored_in(tmp_path) == []
