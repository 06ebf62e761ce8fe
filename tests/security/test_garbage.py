"""What no browser and no client sends: an answer that says no, never a crash."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.security.test_limits import call, signed_in

_MANY = "&".join(["a=1"] * 10_001)


@pytest.fixture(scope="module")
def browser(running) -> Iterator[httpx2.Client]:
    with signed_in(running) as client:
        yield client


def multipart(name: str, value: bytes) -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
    return head + value + b"\r\n--B--\r\n"


@pytest.mark.parametrize("path", ["/sign-in/", "/events/?chat=1"])
def test_a_session_cookie_with_nul_is_no_session(running, path):
    cookie = {"Cookie": r'groundwork_session="aaaaaaaaaaaa\000"'}

    answer = httpx2.get(running.url + path, headers=cookie)

    assert answer.status_code == (200 if path == "/sign-in/" else 401)


@pytest.mark.parametrize("charset", ["unicode_escape", "hex", "idna", "utf-16", "nothing"])
def test_text_is_utf8_whatever_the_request_says(browser, charset):
    answer = browser.post(
        "/use-cases/new/",
        content=multipart("name", "\\ud800 café".encode()),
        headers={
            "Content-Type": f"multipart/form-data; charset={charset}; boundary=B",
            "X-CSRFToken": browser.cookies["groundwork_csrf"],
        },
    )

    assert answer.status_code == 302
    assert r"\ud800 café" in browser.get(answer.headers["Location"]).text


@pytest.mark.parametrize("given", ["%00", "a%00", "%C3%A9"])
def test_an_id_that_cannot_be_one_is_not_found(running, browser, given):
    assert call(running, "GET", f"/events/?chat={given}").status_code == 404
    made = call(running, "POST", "/api/v2/useCases/", json={"name": "Ids"}).json()["id"]
    assert browser.get(f"/question-sets/{given}/").status_code == 404
    assert browser.get(f"/use-cases/{made}/traces/?older={given}").status_code == 422
    assert browser.get(f"/use-cases/{made}/traces/?path={given}").status_code in {200, 422}


def test_sign_in_does_not_lead_to_itself(browser):
    answer = browser.get("/sign-in/?next=/sign-in/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", f"/api/v2/genai/playgrounds/?{_MANY}", {}),
        ("POST", "/api/v2/datasets/fromFile/", {"files": [("f", ("a", b"x"))] * 1_001}),
        ("POST", "/api/v2/datasets/fromFile/", {"data": {"x": "y" * 17_000_000}, "files": {"f": b"x"}}),
    ],
)  # fmt: skip
def test_too_much_of_anything_is_refused(running, method: str, path: str, more: dict[str, Any]):
    answer = call(running, method, path, **more)

    assert answer.status_code == 400
    assert "send less" in answer.text


def test_a_description_has_an_end(running):
    body = {"name": "x", "description": "y" * 10_001}

    assert call(running, "POST", "/api/v2/useCases/", json=body).status_code == 422


def test_a_long_file_name_names_the_dataset_in_part(running):
    answer = call(
        running, "POST", "/api/v2/datasets/fromFile/", files={"file": ("n" * 300 + ".txt", b"x")}
    )

    assert answer.status_code == 202
