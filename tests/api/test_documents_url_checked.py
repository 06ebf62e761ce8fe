"""What may be asked to be fetched from an address."""

import pytest

from vectordb.models import Dataset

FROM_URL = "datasets/fromURL/"


def sample(size: object) -> dict[str, object]:
    return {"url": "http://example.com/", "sampleSize": size}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": ""}, "url"),
        ({"url": 5}, "url"),
        ({"url": "ftp://example.com/a"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "example.com/a.csv"}, "url"),
        ({"url": "http:///a.csv"}, "url"),
        ({"url": "http://example.com:99999/"}, "url"),
        ({"url": "http://[::1/"}, "url"),
        ({"url": "http://user:word@example.com/"}, "url"),
        ({"url": "http://example.com/a b"}, "url"),
        ({"url": "http://example.com/\r\nHost: x"}, "url"),
        ({"url": "http://example.com/" + "a" * 2_000}, "url"),
        ({"url": "http://example.com/", "doSnapshot": False}, "doSnapshot"),
        (
            {"url": "http://example.com/", "persistDataAfterIngestion": 1},
            "persistDataAfterIngestion",
        ),
        ({"url": "http://example.com/", "categories": ["OTHER"]}, "categories.0"),
        (sample(5), "sampleSize"),
        (sample({}), "sampleSize.type"),
        (sample({"type": "rows"}), "sampleSize.value"),
        (sample({"type": "bytes", "value": 5}), "sampleSize.type"),
        (sample({"type": "rows", "value": 0}), "sampleSize.value"),
        (sample({"type": "rows", "value": "5"}), "sampleSize.value"),
        (sample({"type": "rows", "value": 2**31}), "sampleSize.value"),
    ],
)
def test_what_is_asked_for_is_checked(api, body, field):
    response = api.post(FROM_URL, body)

    assert response.status_code == 422, response.content
    assert field in response.json()["errors"]
    assert all(name.startswith(field.partition(".")[0]) for name in response.json()["errors"])
    assert not Dataset.objects.exists()
