"""The page of logs: rows, filter, pages, saved views and files, by everybody."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role
from accounts.services import share
from blueprints.models import File, FileKind, FileVersion
from tests.pages.conftest import HTMX
from tracing import log_export, log_pages, logs
from tracing.judgments import evaluator, judge
from tracing.list_models import SavedView
from tracing.log_filters import Wanted, logs_in
from tracing.models import Face, Log, LogPayload

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def tool(alice, use_case) -> FileVersion:
    file = File.objects.create(
        use_case=use_case, kind=FileKind.TOOL, path="tools/search", created_by=alice
    )
    return FileVersion.objects.create(
        file=file, number=3, content_hash="x", content={}, created_by=alice
    )


@pytest.fixture
def log_of(alice, tool):
    def make(**fields):
        return logs.create(user=alice, version=tool, face=Face.PROMPTS, fields=fields)

    return make


@pytest.fixture
def url(use_case) -> str:
    return reverse("tracing:log-list", args=[use_case.pk])


@pytest.fixture
def page(client, alice, url):
    client.force_login(alice)

    def get(code: int = 200, **data: str) -> str:
        response = client.get(url, data)
        assert response.status_code == code
        return str(response.content.decode())

    return get


def read(response) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def test_a_row_tells_what_was_asked_and_what_became_of_it(page, log_of, alice, use_case):
    log = log_of(
        messages=[{"role": "user", "content": "How far <is> it?"}],
        text="Seven miles.",
        environment="staging",
        source="nightly",
        end_user="customer-7",
        latency_ms=1240.0,
        input_tokens=1812,
        output_tokens=96,
        output_cost=Decimal("0.0003"),
    )
    version = evaluator(user=alice, use_case=use_case, path="rating")
    judge(log, user=alice, version=version, face=Face.PROMPTS, fields={"judgment": "good"})

    shown = page()

    for part in (
        "How far &lt;is&gt; it?",
        "Seven miles.",
        "tools/search",
        "v3 · staging",
        "Prompt API",
        "nightly",
        "customer-7",
        "1.24 s",
        "1,812 → 96",
        "$0.00030",
        '<span class="visually-hidden">good</span> 1',
        "done",
    ):
        assert part in shown, part


def test_inputs_stand_for_a_question_and_tool_calls_for_an_answer(page, log_of):
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    log_of(inputs={"city": "Oslo", "days": 2}, output_message={"tool_calls": [call]})

    shown = page()

    assert "city: Oslo · days: 2" in shown
    assert "calls weather" in shown


def test_a_row_of_a_chat_shows_its_question(page, world):
    assert "How long may I wait?" in page()
    assert "Thirty days [1]." in page()


def test_an_empty_list_says_the_next_step(page):
    assert "No logs yet" in page()
    assert "No log like that" in page(status="ERROR")


def test_pages_lead_on_and_back(page, log_of, client, url):
    for number in range(55):
        log_of(text=f"answer-{number:02}", created_at=NOON + timedelta(seconds=number))

    first = page()
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = client.get(older).content.decode()

    assert first.count('<tr id="log-') == 50
    assert "answer-54" in first
    assert "answer-04" not in first
    assert second.count('<tr id="log-') == 5
    assert "answer-04" in second
    assert 'rel="prev"' in second


def test_the_number_of_queries_does_not_grow_with_the_rows(page, log_of, alice, use_case):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            page()
        return len(queries)

    log_of(text="one")
    few = count()
    for _ in range(20):
        log_of(text="more")

    assert count() == few


def test_htmx_gets_the_list_alone_with_its_address(client, alice, url, log_of):
    client.force_login(alice)
    log_of(text="Seven miles.", source="nightly")

    shown = client.get(url, {"source": "nightly", "path": ""}, headers=HTMX).content.decode()

    assert shown.startswith('<section id="logs"')
    assert f'data-url="{url}?source=nightly"' in shown
    assert "Seven miles." in shown
    assert "<html" not in shown


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_wrong_with_a_filter_stands_at_its_field(client, alice, url, log_of, headers):
    client.force_login(alice)
    log_of(text="Seven miles.")

    response = client.get(url, {"cost_from": "many", "path": "nowhere"}, headers=headers)
    shown = response.content.decode()

    assert response.status_code == 422
    for name in ("cost_from", "path"):
        assert 'class="errorlist"' in shown.split(f'id="errors-{name}"')[1].split("</div>")[0]
    assert "Seven miles." not in shown
    if not headers:
        assert 'value="many"' in shown


@pytest.mark.parametrize("place", ["x", "1-xyz", "9" * 30])
def test_a_place_that_is_none_is_refused(page, log_of, place):
    log_of(text="Seven miles.")

    assert "This is no place in the list" in page(422, older=place)


def test_words_are_looked_for_in_what_was_asked_and_answered(page, log_of):
    log_of(inputs={"city": "Oslo"}, text="Rain.")
    log_of(messages=[{"role": "user", "content": "And Bergen?"}], text="Snow.")
    log_of(text="The sun, 30% of the time.")

    for word, found in (("oslo", "Rain."), ("bergen", "Snow."), ("30%", "The sun")):
        shown = page(text=word)
        assert found in shown
        assert shown.count('<tr id="log-') == 1


def test_a_log_whose_payload_is_gone_is_still_a_row(page, log_of):
    log_of(text="Seven miles.")
    LogPayload.objects.all().delete()

    assert page().count('<tr id="log-') == 1


def test_a_view_is_saved_shown_and_deleted(client, alice, page, url, use_case):
    new = reverse("tracing:saved-view-create", args=[use_case.pk])
    page()
    form = client.get(f"{new}?status=ERROR&odd=1", headers=HTMX).content.decode()
    assert 'value="status=ERROR"' in form

    saved = client.post(new, {"name": "Failed", "query": "status=ERROR&odd=1"})

    assert (saved.status_code, saved.headers["Location"]) == (302, f"{url}?status=ERROR")
    view = SavedView.objects.get()
    assert (view.name, view.query, view.created_by) == ("Failed", "status=ERROR", alice)
    assert f'href="{url}?status=ERROR" aria-current="page"' in page(status="ERROR")
    delete = reverse("tracing:saved-view-delete", args=[view.pk])
    assert "Delete this view?" in client.get(delete, headers=HTMX).content.decode()
    assert client.post(delete).status_code == 302
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"name": "", "query": "status=ERROR"}, "required"),
        ({"name": "Failed", "query": "status=ERROR"}, "Another view has this name"),
        ({"name": "New", "query": "status=odd"}, "Some of the filter is wrong"),
        ({"name": "New", "query": ""}, "There is no filter to save"),
    ],
)
def test_a_view_that_cannot_be_saved_says_why(client, alice, use_case, data, said):
    client.force_login(alice)
    SavedView.objects.create(
        use_case=use_case, name="Failed", query="status=ERROR", created_by=alice
    )

    response = client.post(reverse("tracing:saved-view-create", args=[use_case.pk]), data)

    assert response.status_code == 422
    assert said in response.content.decode()
    assert SavedView.objects.count() == 1


def test_viewers_delete_their_own_views_and_editors_any(client, alice, vera, use_case, url):
    def view_of(user, name):
        return SavedView.objects.create(
            use_case=use_case, name=name, query="status=ERROR", created_by=user
        )

    hers, theirs = view_of(vera, "Mine"), view_of(alice, "Theirs")

    def delete(view) -> int:
        return int(client.post(reverse("tracing:saved-view-delete", args=[view.pk])).status_code)

    client.force_login(vera)
    assert client.get(url).content.decode().count("Delete the view") == 1
    assert (delete(theirs), delete(hers)) == (403, 302)
    again = view_of(vera, "Mine")
    client.force_login(alice)
    assert client.get(url).content.decode().count("Delete the view") == 2
    assert (delete(again), delete(theirs)) == (302, 302)


def test_a_viewer_who_became_a_stranger_sees_no_view(client, alice, bob, use_case, url):
    share(use_case, by=alice, email=bob.email, role=Role.VIEWER)
    view = SavedView.objects.create(use_case=use_case, name="V", query="face=chat", created_by=bob)
    use_case.memberships.filter(user=bob).delete()
    client.force_login(bob)

    delete = reverse("tracing:saved-view-delete", args=[view.pk])
    assert [client.post(delete).status_code, client.get(url).status_code] == [404, 404]


def test_a_file_has_all_logs_of_the_filter(client, alice, page, log_of, use_case, monkeypatch):
    monkeypatch.setattr(log_export, "_AT_ONCE", 4)
    for number in range(10):
        log_of(
            text=f"answer {number}",
            inputs={"n": number},
            source="nightly",
            created_at=NOON + timedelta(seconds=number),
            output_cost=Decimal("0.000000000123"),
        )
    log_of(text="other")
    page()

    lines = read(
        client.get(reverse("tracing:log-export-jsonl", args=[use_case.pk]), {"source": "nightly"})
    )
    records = [json.loads(line) for line in lines.splitlines()]
    rows = list(
        csv.DictReader(
            io.StringIO(
                read(
                    client.get(
                        reverse("tracing:log-export-csv", args=[use_case.pk]), {"source": "nightly"}
                    )
                )
            )
        )
    )

    assert [record["output"] for record in records] == [f"answer {n}" for n in reversed(range(10))]
    assert [row["output"] for row in rows] == [record["output"] for record in records]
    assert records[0]["inputs"] == {"n": 9}
    assert json.loads(rows[0]["inputs"]) == {"n": 9}
    assert records[0]["cost"] == rows[0]["cost"] == "0.000000000123"
    assert (records[0]["path"], records[0]["version"], rows[0]["version"]) == (
        "tools/search",
        3,
        "3",
    )
    assert records[0]["user"] == alice.email
    assert list(rows[0]) == list(log_export.COLUMNS) == [*dict.fromkeys(log_export.COLUMNS)]
    assert set(records[0]) == set(log_export.COLUMNS)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", '"=1', "|x", "%0A=1", "\r=1"]
)
def test_no_cell_of_a_file_is_a_formula(client, alice, log_of, use_case, text):
    client.force_login(alice)
    log_of(text=text, source=text)

    file = read(client.get(reverse("tracing:log-export-csv", args=[use_case.pk])))
    [row] = csv.DictReader(io.StringIO(file, newline=""))

    assert row["output"] == row["source"] == f"'{text}"


def test_numbers_of_any_length_are_in_the_files(client, alice, log_of, use_case):
    client.force_login(alice)
    log_of(text="x", metadata={"trace": 2**100})

    for name in ("log-export-jsonl", "log-export-csv"):
        file = read(client.get(reverse(f"tracing:{name}", args=[use_case.pk])))
        assert str(2**100) in file


def test_an_export_that_finds_nothing_lets_see_whether_anybody_waits(alice, log_of, use_case):
    log_of(text="x")

    blocks = list(log_export.as_jsonl(logs_in(use_case), Wanted(text="nowhere")))

    assert blocks == [b""]


def test_feedback_is_in_the_file(client, alice, log_of, use_case, world):
    client.force_login(alice)
    log = log_of(text="x", source="judged")
    version = evaluator(user=alice, use_case=use_case, path="rating")
    judge(log, user=alice, version=version, face=Face.PROMPTS, fields={"judgment": "bad"})

    url = reverse("tracing:log-export-jsonl", args=[use_case.pk])
    [record] = map(json.loads, read(client.get(url, {"source": "judged"})).splitlines())

    assert record["feedback"] == [{"evaluator": "rating", "judgment": "bad"}]


def test_an_export_with_a_wrong_filter_leads_to_what_is_wrong(client, alice, url, use_case):
    client.force_login(alice)

    response = client.get(reverse("tracing:log-export-csv", args=[use_case.pk]), {"status": "odd"})

    assert (response.status_code, response.headers["Location"]) == (302, f"{url}?status=odd")


def test_a_log_that_goes_while_its_page_is_made_is_left_out(page, log_of, monkeypatch):
    log_of(text="Seven miles.")
    found = log_pages.find

    def find_and_delete(*arguments):
        result = found(*arguments)
        Log.objects.all().delete()
        return result

    monkeypatch.setattr("tracing.log_pages.find", find_and_delete)

    assert "Seven miles." not in page()
