"""What filters can be written of: the fields of a database's chunks and their values."""

import json

import pytest
from django.db import connection

from tests.vectordb.conftest import add, create
from vectordb import partitions
from vectordb.metadata_values import Field, fields_of

pytestmark = pytest.mark.django_db


def fill(database, *metadata) -> None:
    """A chunk for each."""
    partitions.create(database)
    with connection.cursor() as cursor:
        for number, one in enumerate(metadata):
            cursor.execute(
                "INSERT INTO vectordb_chunk (vector_database_id, id, document_id, position,"
                " start_offset, end_offset, token_count, embedding, text, metadata)"
                " VALUES (%s, %s, %s, 0, 0, 4, 1, array_fill(1, ARRAY[384])::vector, 'One.', %s)",
                [database.pk, 1_000_000 + number, "f" * 24, json.dumps(one)],
            )
    database.chunks_count = len(metadata)


@pytest.fixture
def database(dataset):
    """Not built: each test has chunks of its own."""
    add(dataset, "a.md", b"# A\n\nText.\n")
    return create(dataset)


def test_fields_come_by_name_with_their_most_frequent_values_first(database):
    fill(
        database,
        {"lang": "en", "year": 2020},
        {"lang": "de", "year": 2021},
        {"lang": "de", "open": True},
    )

    assert fields_of(database) == [
        Field("lang", ("de", "en")),
        Field("open", (True,)),
        Field("year", (2020, 2021)),
    ]


def test_what_no_filter_could_compare_is_left_out(database):
    fill(
        database,
        {"list": [1], "none": None, "long": "x" * 200, "part": {"a": 1}, "$or": "x", "a": "b"},
    )

    assert fields_of(database) == [Field("a", ("b",))]


def test_values_are_bounded_and_always_the_same(database):
    fill(database, *({"number": number} for number in range(120)))

    [field] = fields_of(database)

    assert field.values == tuple(range(50))
    assert fields_of(database) == [field]


def test_of_a_large_database_a_sample_is_read(database):
    fill(database, {"lang": "en"})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO vectordb_chunk (vector_database_id, id, document_id, position,"
            " start_offset, end_offset, token_count, embedding, text, metadata)"
            " SELECT vector_database_id, id + n, document_id, n, 0, 4, 1, embedding, text, metadata"
            " FROM vectordb_chunk, generate_series(1, 5999) n WHERE vector_database_id = %s",
            [database.pk],
        )
    database.chunks_count = 6_000

    assert fields_of(database) == [Field("lang", ("en",))]
    # Hardly any page belongs to the sample of something so large.
    database.chunks_count = 6_000_000_000
    assert fields_of(database) == []


def test_a_database_without_chunks_has_no_fields(database):
    assert fields_of(database) == []
