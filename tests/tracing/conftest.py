"""What logs are of: a prompt, a flow, a tool and an evaluator of alice's, each in one version."""

from collections.abc import Callable
from typing import Any

import pytest

from blueprints.kinds import AnyVersion
from blueprints.models import BlueprintVersion, File, FileKind, FileVersion
from blueprints.services import create_blueprint
from blueprints.settings import AnswerSettings
from tracing import logs
from tracing.logs import Place
from tracing.models import Face, Log


def version_at(use_case, kind: FileKind, path: str) -> FileVersion:
    user = use_case.created_by
    file = File.objects.create(use_case=use_case, kind=kind, path=path, created_by=user)
    return FileVersion.objects.create(
        file=file, number=1, content_hash=path, content={}, created_by=user
    )


@pytest.fixture
def prompt(alice, use_case) -> BlueprintVersion:
    return create_blueprint(
        user=alice, use_case=use_case, name="Persona", settings=AnswerSettings()
    ).current


@pytest.fixture
def flow(use_case) -> FileVersion:
    return version_at(use_case, FileKind.FLOW, "flows/support")


@pytest.fixture
def tool(use_case) -> FileVersion:
    return version_at(use_case, FileKind.TOOL, "tools/search")


@pytest.fixture
def evaluator(use_case) -> FileVersion:
    return version_at(use_case, FileKind.EVALUATOR, "rating")


@pytest.fixture
def log_of(alice) -> Callable[..., Log]:
    """`log_of(flow, parent=root, text="Yes")`: what `create` is given, as alice."""

    def make(
        version: AnyVersion,
        *,
        save: bool = True,
        face: Face = Face.PROMPTS,
        chosen_id: str | None = None,
        reference_id: str | None = None,
        parent: Log | None = None,
        session: Any = None,
        judged: Log | None = None,
        **fields: Any,
    ) -> Log:
        place = Place(chosen_id, reference_id, parent, session, judged)
        made = logs.create(
            user=alice, version=version, face=face, fields=fields, place=place, save=save
        )
        made.refresh_from_db()
        return made

    return make
