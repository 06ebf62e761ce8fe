"""The pages and files of grids."""

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.services import create_use_case
from config.status import Status
from evaluation import question_sets
from evaluation.models import EvaluationRow, EvaluationRun, Grid
from evaluation.question_sets import NewQuestion
from playground.models import ChatPrompt, ComparisonPrompt
from tests.pages.compared import answer
from tests.pages.conftest import HTMX
from tests.pages.gridded import gridded_by


def url(name: str, *args: str) -> str:
    return reverse(f"evaluation:{name}", args=args)


@pytest.fixture
def gridded(alice, world):
    return gridded_by(alice, world.playground)


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def begun(client, world, **given):
    return client.post(url("grid-begin", world.playground.pk), given)


def page_of(client, grid, query="") -> str:
    text: str = client.get(url("grid-detail", grid.pk) + query).content.decode()
    return text


def numbers_in(page: str) -> list[str]:
    """Of the rows, as they are shown."""
    return [part.split('"')[0] for part in page.split('data-row="')[1:]]


def test_a_grid_begins_with_pasted_questions(browser, world):
    page = browser.get(url("grid-home", world.playground.pk)).content.decode()
    assert "Questions, one per line" in page
    assert "Or a question set" not in page

    response = begun(browser, world, lines="a?\n\nb?\na?\n", blueprint=world.blueprint.pk)

    grid = Grid.objects.get()
    assert response["Location"] == url("grid-detail", grid.pk)
    page = page_of(browser, grid)
    assert "Repeated questions were left out: 1." in page
    assert numbers_in(page) == ["1", "2"]
    assert page.count(">waiting<") == 2
    assert "0 of 2 answers" in page
    home = browser.get(url("grid-home", world.playground.pk))
    assert home["Location"] == url("grid-detail", grid.pk)


def test_it_begins_with_a_file_or_with_a_question_set(browser, alice, world):
    file = SimpleUploadedFile("oils.csv", b"question,answer\nWhich oil?,Rapeseed.\n")
    begun(browser, world, file=file, blueprint=world.blueprint.pk)
    assert Grid.objects.get().name == "oils.csv"
    assert EvaluationRow.objects.get().reference == "Rapeseed."

    questions = question_sets.create_set(world.use_case, user=alice, name="Returns")
    question_sets.add_question(questions, user=alice, text="How long?", expected_answer="Long.")
    begun(browser, world, question_set=questions.pk, name="Mine", blueprint=world.blueprint.pk)
    assert Grid.objects.all()[0].name == "Mine"
    assert EvaluationRow.objects.filter(text="How long?", reference="Long.").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "choose a file or a question set: one of them"),
        ({"lines": "a?", "file": SimpleUploadedFile("q.csv", b"a\nb\n")}, "one of them"),
        ({"lines": "a?", "blueprint": "0" * 24}, "Tick at least one blueprint"),
        ({"lines": "\n".join(f"{one}?" for one in range(1_001))}, "1,000 is the most"),
        ({"file": SimpleUploadedFile("q.csv", b"")}, "The submitted file is empty"),
    ],
)
def test_what_is_wrong_with_it_is_told_where_it_was_written(browser, world, given, said):
    response = begun(browser, world, **({"blueprint": world.blueprint.pk} | given))

    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Grid.objects.exists()


def test_a_question_set_of_another_use_case_is_none(browser, bob, world):
    other = create_use_case(user=bob, name="Other")
    questions = question_sets.create_set(other, user=bob, name="Secret")
    response = begun(browser, world, question_set=questions.pk, blueprint=world.blueprint.pk)

    assert response.status_code == 422
    assert not Grid.objects.exists()


def test_a_viewer_reads_a_grid_and_is_offered_no_change(client, vera, world, gridded):
    client.force_login(vera)
    page = page_of(client, gridded.grid)

    assert "Thirty days, says Brief" in page
    for control in ("New grid", "Rename", "Delete", "Ask the missing", "/stop/"):
        assert control not in page
    sheet = client.get(url("cell-detail", gridded.prompt.pk), headers=HTMX).content.decode()
    assert "Ask again" not in sheet
    new = client.get(url("grid-home", world.playground.pk) + "?new").content.decode()
    assert "An editor of" in new
    assert "grid-form" not in new.split('<main class="main"')[1]


def test_questions_stand_in_rows_and_what_they_hold_is_escaped(browser, gridded):
    page = page_of(browser, gridded.grid)

    assert "Who &lt;b&gt;pays&lt;/b&gt;?" in page
    assert "Expected:</span> Thirty days." in page
    assert "says Wordy" in page
    assert "word f1 0.67" in page
    assert "agreement </span>0.75" in page
    assert page.count("data-prompt=") == 4
    assert "4 of 4 answers" in page


def test_rows_are_sorted_and_chosen_by_the_address(browser, gridded):
    assert numbers_in(page_of(browser, gridded.grid, "?sort=latency&order=desc")) == ["2", "1"]
    last = gridded.rows()[1].cells[1].prompt
    answer(last, "Nobody.", status=Status.ERROR, error_message="It broke.")

    page = page_of(browser, gridded.grid, "?show=failed")
    assert numbers_in(page) == ["2"]
    assert "It broke." in page
    assert "Ask the missing 1" in page
    # As an old link may say.
    assert numbers_in(page_of(browser, gridded.grid, "?sort=charm&of=x&show=y&from=z")) == [
        "1",
        "2",
    ]


def test_where_all_answers_agree_none_is_different(browser, gridded):
    for row in gridded.rows():
        for cell in row.cells:
            answer(cell.prompt, "The same [1].")

    page = page_of(browser, gridded.grid, "?show=different")

    assert "All answers so far say the same." in page
    assert numbers_in(page) == []


def test_without_scripts_rows_are_turned_over(browser, alice, world):
    many = tuple(NewQuestion(f"{number}?") for number in range(30))
    gridded = gridded_by(alice, world.playground, "Only", questions=many)
    first, second = page_of(browser, gridded.grid), page_of(browser, gridded.grid, "?from=12")

    assert numbers_in(first) == [str(number) for number in range(1, 13)]
    assert numbers_in(second) == [str(number) for number in range(13, 25)]
    assert "Questions 13 to 24 of 30" in second


def test_some_rows_are_given_to_the_script_in_the_order_it_asked(browser, gridded):
    response = browser.get(url("grid-rows", gridded.grid.pk) + "?n=2,1,99,x,2", headers=HTMX)

    assert numbers_in(response.content.decode()) == ["2", "1"]
    alone = browser.get(url("grid-rows", gridded.grid.pk))
    assert alone["Location"] == url("grid-detail", gridded.grid.pk)


def test_an_answer_in_the_making_is_shown_as_far_as_it_is(browser, gridded):
    answer(gridded.prompt, "Thirty", status=Status.RUNNING, finished_at=None)

    page = browser.get(url("grid-rows", gridded.grid.pk) + "?n=1", headers=HTMX).content.decode()

    assert "<span data-text>Thirty</span>" in page
    assert "data-open" in page


def test_how_far_it_is_comes_alone_too(browser, gridded):
    EvaluationRun.objects.update(status=Status.RUNNING)
    page = browser.get(url("grid-state", gridded.grid.pk), headers=HTMX).content.decode()

    assert 'id="grid-state" data-active' in page
    assert 'id="grid-head"' in page
    assert "median latency" in page
    assert browser.get(url("grid-state", gridded.grid.pk)).status_code == 302


def test_a_grid_is_stopped_gone_on_with_renamed_and_deleted(browser, world, gridded):
    pk = gridded.grid.pk
    run = EvaluationRun.objects.filter(pk=gridded.grid.run_id)
    run.update(status=Status.RUNNING)
    assert browser.post(url("grid-stop", pk), headers=HTMX).status_code == 204
    assert run.get().status == Status.CANCELLED
    assert browser.post(url("grid-again", pk))["Location"] == url("grid-detail", pk)
    assert run.get().status == Status.RUNNING
    refused = browser.post(url("grid-again", pk), headers=HTMX)
    assert refused.status_code == 409
    assert "stop it first" in refused.content.decode()

    browser.post(url("grid-rename", pk), {"name": "Other"})
    assert Grid.objects.get().name == "Other"
    assert browser.post(url("grid-rename", pk), {"name": " "}).status_code == 422
    gone = browser.post(url("grid-delete", pk))
    assert gone["Location"] == url("grid-home", world.playground.pk)
    assert not Grid.objects.exists()
    assert browser.get(url("grid-rows", pk), headers=HTMX).status_code == 404


def test_a_cell_opens_with_the_whole_answer(browser, gridded):
    page = browser.get(url("cell-detail", gridded.prompt.pk)).content.decode()

    assert "Thirty days, says Brief" in page
    assert "1 source" in page
    assert f"/prompts/{gridded.prompt.pk}/sources/1/" in page
    assert page.count('class="source"') == 1
    assert "1,908" in page
    sheet = browser.get(url("cell-detail", gridded.prompt.pk), headers=HTMX).content.decode()
    assert "<html" not in sheet


def test_a_cell_is_answered_anew_in_its_place(browser, gridded):
    sheet = browser.post(url("cell-retry", gridded.prompt.pk), headers=HTMX).content.decode()

    again = gridded.rows()[0].cells[0].prompt
    assert again.pk != gridded.prompt.pk
    assert f'data-sheet="{again.pk}" data-sheet-open' in sheet
    assert browser.post(url("cell-retry", gridded.prompt.pk)).status_code == 404
    assert browser.post(url("cell-retry", again.pk)).status_code == 409


def test_a_question_of_a_grid_begins_a_comparison(browser, gridded):
    response = browser.post(url("cell-compare", gridded.prompt.pk))

    question = ComparisonPrompt.objects.get()
    assert response["Location"] == reverse("playground:comparison-detail", args=[question.chat_id])
    assert question.text == "How long may I wait?"
    assert question.results.count() == 2


def test_answers_of_chats_and_comparisons_are_no_cells(browser, world):
    assert browser.get(url("cell-detail", world.prompt.pk)).status_code == 404
    assert browser.post(url("cell-retry", world.prompt.pk)).status_code == 404


def exported(client, grid, ending, query="") -> str:
    response = client.get(url("grid-export", grid.pk) + f"?as={ending}{query}")
    assert response["Content-Disposition"].endswith(f'.{ending}"')
    text: str = b"".join(response.streaming_content).decode()
    return text


def test_a_grid_is_exported_as_csv_in_the_order_shown(browser, gridded):
    answer(gridded.prompt, "=SUM(A1)", citations=[])
    text = exported(browser, gridded.grid, "csv", "&sort=latency&order=desc")

    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["number"], row["blueprint"]) for row in rows] == [
        ("2", "Brief"),
        ("2", "Wordy"),
        ("1", "Brief"),
        ("1", "Wordy"),
    ]
    assert rows[2]["answer"] == "'=SUM(A1)"
    assert rows[3]["expected_answer"] == "Thirty days."
    assert rows[3]["cost"] == "0.0003"
    assert json.loads(rows[3]["sources"])[0]["source"] == "returns.md"


def test_a_grid_is_exported_as_json_lines(browser, gridded):
    EvaluationRow.objects.filter(number=2).update(prompt=None)
    lines = [json.loads(line) for line in exported(browser, gridded.grid, "jsonl").splitlines()]

    assert len(lines) == 4
    assert lines[0]["answer"] == "Thirty days, says Brief [1]."
    assert lines[0]["word_f1"] == pytest.approx(2 * (2 / 4) / (2 / 4 + 1))
    assert (lines[3]["status"], lines[3]["answer"]) == ("NEW", None)


def test_the_report_is_one_file_that_needs_nothing_else(browser, gridded):
    hostile = "<script>alert(1)</script> ![x](https://evil.example/x.png) [1]"
    answer(gridded.prompt, hostile)
    report = exported(browser, gridded.grid, "html", "&sort=latency&order=desc")

    assert report.startswith("<!doctype html>")
    for foreign in ("<script", "<link", "<img", "src=", "@import", "url("):
        assert foreign not in report
    assert "default-src 'none'" in report
    assert report.index("Who &lt;b&gt;pays&lt;/b&gt;?") < report.index("How long may I wait?")
    assert "highest latency first" in report
    assert "says Wordy" in report
    assert "median latency" in report


def test_there_is_no_other_format(browser, gridded):
    assert browser.get(url("grid-export", gridded.grid.pk) + "?as=exe").status_code == 404


def test_what_a_grid_asked_is_no_chat_of_the_playground(browser, world, gridded):
    page = browser.get(
        reverse("playground:playground-detail", args=[world.playground.pk])
        + f"?blueprint={gridded.prompt.chat.blueprint_id}",
        follow=True,
    ).content.decode()

    assert "Waiting" not in page
    assert ChatPrompt.objects.filter(chat__name="Waiting").count() == 4
