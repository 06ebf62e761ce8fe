"""The OpenAPI document taken at its word: whatever is sent, no crash, and no answer that it does not
describe. Bounded and repeatable; GROUNDWORK_FUZZ_EXAMPLES makes it look further."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.api.docs import document
from tests.api.conftest import Api
from tests.api.world import BY_NAME, World, address, standing

EXAMPLES = os.environ.get("GROUNDWORK_FUZZ_EXAMPLES")
# Of one operation's cases that the document itself gives rise to, the first so many are tried, and
# of the rest every fourth.
ALL_OF = 20
pytestmark = pytest.mark.django_db
CHECKS: Any = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

django_application = get_wsgi_application()


def application(environ: Any, start_response: Any) -> list[bytes]:
    """As a server does it: what was sent is closed."""
    answer = django_application(environ, start_response)
    try:
        return [b"".join(answer)]
    finally:
        answer.close()


tried: Counter[str] = Counter()
schema = schemathesis.openapi.from_dict(document())
schema.app = application
schema.config.generation.update(
    modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE],
    max_examples=int(EXAMPLES or 4),
    deterministic=not EXAMPLES,
    database="none",
)


@pytest.fixture(scope="module")
def furnished(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Api, World]]:
    media = tmp_path_factory.mktemp("media")
    with standing(django_db_blocker, media, "Fuzz") as (api, [world]):
        # As Django's own test client does: requests leave the connection open.
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        yield api, world
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@schema.parametrize()
@hypothesis.settings(
    deadline=None, suppress_health_check=list(hypothesis.HealthCheck), print_blob=False
)
def test_every_answer_is_as_described(case: Any, furnished: tuple[Api, World]) -> None:
    tried[case.operation.label] += 1
    number = tried[case.operation.label]
    if number > ALL_OF and number % 4 and not EXAMPLES:
        return
    api, world = furnished
    _lead_somewhere(case, world)
    with transaction.atomic():
        case.call_and_validate(headers={"Authorization": f"Bearer {api.token}"}, checks=CHECKS)
        transaction.set_rollback(True)


def _lead_somewhere(case: Any, world: World) -> None:
    """Ids of things that there are, or every answer would be that there is no such thing."""
    route = address(re.sub(r"\{\w+\}", "*", case.operation.path), world).split("/")
    for place, part in enumerate(case.operation.path.split("/")):
        if part.startswith("{"):
            case.path_parameters[part[1:-1]] = route[place]
    for sent in (case.query, case.body):
        if isinstance(sent, dict):
            for name in BY_NAME.keys() & sent.keys():
                if isinstance(sent[name], str):
                    sent[name] = world[BY_NAME[name]]
                elif isinstance(sent[name], list):
                    sent[name] = [world[BY_NAME[name]], *sent[name]]
