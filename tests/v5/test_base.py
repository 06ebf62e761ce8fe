"""What holds for every request below /v5/."""

import pytest
from django.test import Client

from config.api.errors import Unprocessable
from playground.v5.errors import Malformed
from playground.v5.reading import read_json
from tests.v5.conftest import Programme, refusal


@pytest.mark.parametrize("path", ["", "nowhere", "prompts/", "prompts/x/y/z", "/prompts"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_routes_are_404_in_json_and_never_redirected(db, settings, method, path):
    for settings.DEBUG in (False, True):
        response = Programme(None).send(method, path)

        assert refusal(response) == (404, "not_found_error")


def test_a_refused_host_is_told_in_the_form_of_this_api(db):
    response = Client().get("/v5/nowhere", headers={"host": "evil.example"})

    assert refusal(response) == (400, "bad_request_error")


@pytest.mark.parametrize("raw", [b"", b" \n", b"{}"])
def test_no_body_is_an_empty_object(raw):
    assert read_json(raw) == {}


@pytest.mark.parametrize("raw", [b"{", b"{'a': 1}", b'{"a": NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_malformed(raw):
    with pytest.raises(Malformed):
        read_json(raw)


@pytest.mark.parametrize(
    ("raw", "loc"),
    [
        (rb'{"a": ["\u0000"]}', ["body", "a", 0]),
        (rb'{"a": {"\ud800": 1}}', ["body", "a"]),
        (b'{"a": 1e999}', ["body", "a"]),
        (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", ["body", "a", 0]),
    ],
)
def test_what_no_database_takes_is_told_with_its_place(raw, loc):
    with pytest.raises(Unprocessable) as refused:
        read_json(raw)

    assert [problem["loc"] for problem in refused.value.problems] == [loc]
