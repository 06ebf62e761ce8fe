"""What is said of an answer afterwards: each field of the PATCH, within and beyond its bounds."""

from typing import Any

import pytest

from config.status import Status
from playground.models import ChatPrompt
from tests.api.conftest import problems

NAME, MESSAGE, ID = 200, 10_000, 100
TEXTS = [
    ("formattedName", NAME),
    ("formattedValue", NAME),
    ("errorMessage", MESSAGE),
    ("ootbMetricId", ID),
    ("costConfigurationId", ID),
    ("evaluationDatasetConfigurationId", ID),
    ("customModelId", ID),
    ("customModelGuardId", ID),
    ("nemoMetricId", ID),
    ("sidecarModelMetricValidationId", ID),
]
STATUSES = ["NEW", "RUNNING", "COMPLETED", "REQUIRES_USER_INPUT", "SKIPPED", "ERROR"]
STAGES = ["prompt_pipeline", "response_pipeline"]


@pytest.fixture
def patch(api, answered):
    def send(**body: Any) -> Any:
        return api.patch(f"genai/chatPrompts/{answered.pk}/", body)

    return send


@pytest.fixture
def measure(patch):
    """The metric as it is shown after it was sent."""

    def send(**metric: Any) -> Any:
        response = patch(customMetrics=[{"name": "tone", "value": 1} | metric])
        assert response.status_code == 200, response.content
        [shown] = response.json()["resultMetadata"]["metrics"]
        return shown

    return send


@pytest.fixture
def refuse(patch):
    def send(field: str, value: Any, kind: str) -> None:
        response = patch(customMetrics=[{"name": "tone", "value": 1, field: value}])
        assert problems(response) == [(["body", "customMetrics", 0, field], kind)]

    return send


@pytest.mark.parametrize(("field", "longest"), TEXTS)
def test_texts_of_metrics_have_bounds_and_are_null_when_blank(measure, refuse, field, longest):
    for value in (" ä ", "x" * longest):
        assert measure(**{field: value})[field] == value
    for nothing in ("", None):
        assert measure(**{field: nothing})[field] is None
    assert measure()[field] is None
    refuse(field, "x" * (longest + 1), "string_too_long")
    refuse(field, 5, "string_type")
    refuse(field, "\x00", "value_error")


@pytest.mark.parametrize("name", ["x", "x" * NAME, " Ton ", "ß"])
def test_names_of_metrics_are_kept(measure, name):
    assert measure(name=name)["name"] == name


@pytest.mark.parametrize("name", [None, 5, True])
def test_other_names_of_metrics_are_refused(refuse, name):
    refuse("name", name, "string_type")


@pytest.mark.parametrize(
    "value", [0, -1.5, True, False, "", "warm", None, [], [1, "a"], {}, {"a": {"snake_case": 1}}]
)
def test_the_value_of_a_metric_is_anything(measure, value):
    shown = measure(value=value)["value"]

    assert (shown, type(shown)) == (value, type(value))


def test_a_value_that_is_null_may_be_left_out(patch):
    [shown] = patch(customMetrics=[{"name": "tone"}]).json()["resultMetadata"]["metrics"]

    assert (shown["name"], shown["value"]) == ("tone", None)


@pytest.mark.parametrize(
    ("field", "words", "default"),
    [("executionStatus", STATUSES, "COMPLETED"), ("stage", STAGES, None)],
)
def test_words_of_metrics(measure, refuse, field, words, default):
    assert [measure(**{field: word})[field] for word in words] == words
    assert measure()[field] == default
    for other in ("", words[0].swapcase(), "CANCELLED", 1):
        refuse(field, other, "enum")


def test_whether_its_llm_is_deprecated(measure, refuse):
    assert [measure(llmIsDeprecated=one)["llmIsDeprecated"] for one in (True, False, None)] == [
        True,
        False,
        None,
    ]
    refuse("llmIsDeprecated", "true", "bool_type")
    refuse("llmIsDeprecated", 1, "bool_type")


@pytest.mark.parametrize(
    ("value", "kind"), [({}, "list_type"), ("tone", "list_type"), ([{}] * 101, "too_long")]
)
def test_metrics_are_a_list_of_a_hundred_at_most(patch, value, kind):
    assert problems(patch(customMetrics=value)) == [(["body", "customMetrics"], kind)]


@pytest.mark.parametrize("nothing", [None, []])
def test_no_metrics_change_nothing(patch, measure, nothing):
    before = measure()

    assert patch(customMetrics=nothing).json()["resultMetadata"]["metrics"] == [before]


@pytest.mark.parametrize("value", [[], "up", 1, True])
def test_feedback_is_an_object(patch, value):
    response = patch(feedbackMetadata=value)

    assert problems(response) == [(["body", "feedbackMetadata"], "model_attributes_type")]


@pytest.mark.parametrize("withdrawal", [{}, {"feedback": None}, None])
def test_feedback_is_withdrawn(patch, alice, withdrawal):
    def judged(feedback: Any) -> Any:
        return patch(feedbackMetadata=feedback).json()["resultMetadata"]["feedbackResult"]

    for word, key in (("1", "positiveUserIds"), ("0", "negativeUserIds")):
        nobody: dict[str, list[str]] = {"positiveUserIds": [], "negativeUserIds": []}
        assert judged({"feedback": word}) == nobody | {key: [alice.pk]}
        assert judged({"feedback": word}) == nobody | {key: [alice.pk]}
        assert judged(withdrawal) == nobody
        assert judged(withdrawal) == nobody


def test_feedback_and_metrics_come_together(patch, alice):
    response = patch(
        feedbackMetadata={"feedback": "0"}, customMetrics=[{"name": "tone", "value": 1}]
    )

    shown = response.json()["resultMetadata"]
    assert shown["feedbackResult"]["negativeUserIds"] == [alice.pk]
    assert [one["name"] for one in shown["metrics"]] == ["tone"]


@pytest.mark.parametrize("status", [Status.NEW, Status.RUNNING])
@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"feedbackMetadata": {"feedback": "1"}}, ["feedbackMetadata", "feedback"]),
        ({"feedbackMetadata": {}}, ["feedbackMetadata", "feedback"]),
        ({"customMetrics": [{"name": "a", "value": 1}]}, ["customMetrics"]),
    ],
)
def test_what_has_no_result_yet_takes_neither(patch, status, body, loc):
    ChatPrompt.objects.update(status=status)

    assert problems(patch(**body)) == [(["body", *loc], "value_error")]
    ChatPrompt.objects.update(status=Status.COMPLETED)
    shown = patch().json()["resultMetadata"]
    assert shown["metrics"] == []
    assert shown["feedbackResult"] == {"positiveUserIds": [], "negativeUserIds": []}


@pytest.mark.parametrize("status", [Status.ERROR, Status.SKIPPED])
def test_what_has_a_result_without_an_answer_takes_both(patch, status):
    ChatPrompt.objects.update(status=status)
    body = {"feedbackMetadata": {"feedback": "1"}, "customMetrics": [{"name": "a", "value": 1}]}

    assert patch(**body).status_code == 200


def test_everything_wrong_is_told_at_once(patch):
    wrong = [{"name": 1}, {"name": "b", "value": 1}, {"value": 1, "stage": "x"}]

    response = patch(feedbackMetadata={"feedback": 1}, customMetrics=wrong)

    assert problems(response) == [
        (["body", "customMetrics", 0, "name"], "string_type"),
        (["body", "customMetrics", 2, "name"], "missing"),
        (["body", "customMetrics", 2, "stage"], "enum"),
        (["body", "feedbackMetadata", "feedback"], "enum"),
    ]
