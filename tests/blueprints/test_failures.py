import json
import time
from email.utils import formatdate

import pytest

from blueprints.providers import failures


@pytest.mark.parametrize(
    "words",
    [
        "Incorrect key: sk-abcDEF1234567890",
        "see https://user:pass@proxy.example/x?key=1",
        "Bearer abcdef",
        "key=topsecretvalue",
        "your token AKIA1234567890ABCDEFGH is bad",
        "Invalid value sk-a***************wxyz",
        "the very key: hunter2hunter2",
    ],
)
def test_what_looks_like_a_secret_is_taken_out_of_a_servers_words(words):
    error = failures.of_status(400, {"error": {"message": words}}, {}, key="hunter2hunter2")
    for secret in ("abcDEF", "pass@", "abcdef", "topsecret", "AKIA", "wxyz", "hunter2"):
        assert secret not in error.message


def test_a_servers_words_are_kept_where_they_help():
    words = "'temperature' does not support 0.2 with this model. Only the default is supported."
    assert words in failures.of_status(400, {"error": {"message": words}}, {}).message


def test_a_servers_words_are_cut():
    long = failures.of_status(422, {"detail": "why " * 1000}, {})
    assert len(long.message) < 400


@pytest.mark.parametrize(
    "words", ["a" * 100_000, "model " * 20_000, "a*" * 50_000, " " * 99_999], ids=range(4)
)
@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_a_server_that_says_very_much_holds_nobody_up(status, words):
    started = time.monotonic()
    for told in ({"message": words}, {"message": "why", "code": words}, {"message": [words]}):
        assert len(failures.of_status(status, {"error": told}, {}).message) < 400
        failures.of_status(status, json.dumps({"error": told}).encode(), {})
    assert time.monotonic() - started < 5


def test_half_a_key_is_not_shown():
    words = f"https://{'a' * 1_985} hunter2hunter2"
    error = failures.of_status(400, {"error": {"message": words}}, {}, key="hunter2hunter2")
    assert "hunter" not in error.message


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"text"', b'{"error": "text"}', b'[{"error": {"code": 400}}]', b"\xff"],
)
def test_any_body_gives_a_sentence(body):
    for status in (302, 400, 401, 404, 418, 429, 500):
        assert failures.of_status(status, body, {}).message.endswith(".") or body


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
def test_how_long_a_server_wants_us_to_wait(headers, seconds):
    assert failures.of_status(503, b"", headers).retry_after == seconds


def test_a_date_to_wait_for():
    date = formatdate(time.time() + 10, usegmt=True)
    wait = failures.of_status(429, b"", {"retry-after": date}).retry_after
    assert wait is not None
    assert 7 < wait <= 10


def test_a_limit_per_minute_is_no_used_up_quota():
    error = failures.of_status(
        429, {"error": {"message": "Quota of 10 requests per minute exceeded"}}, {}
    )
    assert error.may_retry
