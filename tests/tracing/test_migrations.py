from importlib import import_module

import pytest
from django.db import connection

from tracing.models import LogPayload

TEXTS = import_module("tracing.migrations.0006_texts_in_one_place")


@pytest.mark.django_db
def test_texts_move_to_their_one_place_and_back(log_of, prompt, tool):
    old = {"text": "A “quoted” answer", "finish_reason": "stop"}
    answer, other = log_of(prompt), log_of(tool, inputs={"a": 1})
    LogPayload.objects.filter(log=answer).update(output=old)

    def run(sql: str) -> list[tuple[str | None, object]]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
        payloads = LogPayload.objects.in_bulk([answer.pk, other.pk])
        return [(payloads[log.pk].text, payloads[log.pk].output) for log in (answer, other)]

    assert run(TEXTS._FORWARDS) == [(old["text"], {"finish_reason": "stop"}), (None, {})]
    assert run(TEXTS._BACKWARDS) == [(None, old), (None, {})]
