"""The history of deployments, and the way back through it."""

from importlib import import_module

import pytest
from django.apps import apps

from blueprints import environments, services
from blueprints.files import get_or_make
from blueprints.llm_settings import LLMSettings
from blueprints.models import DeploymentChange
from blueprints.roll_back import changes_of, roll_back, version_before
from blueprints.settings import AnswerSettings
from config.errors import Conflict, Forbidden

pytestmark = pytest.mark.django_db


def settings(prompt: str) -> AnswerSettings:
    return AnswerSettings(llm_id="extractive", llm_settings=LLMSettings(system_prompt=prompt))


@pytest.fixture
def blueprint(alice, use_case):
    made = services.create_blueprint(
        user=alice, use_case=use_case, name="Bot", settings=settings("1")
    )
    for prompt in ("2", "3"):
        services.save_version(made, user=alice, settings=settings(prompt))
    return made


@pytest.fixture
def production(use_case, blueprint):
    return use_case.environments.get(is_default=True)


@pytest.fixture
def deploy(alice, blueprint, production):
    def to(number: int):
        version = blueprint.versions.get(number=number)
        environments.deploy(version, production, user=alice)

    return to


def deployed(blueprint) -> int | None:
    version = environments.deployed_version(blueprint, None)
    return version.number if version else None


def step_back(blueprint, production, user) -> int:
    before = version_before(blueprint, production)
    assert before is not None
    roll_back(blueprint, production, user=user, expected=before.pk)
    number = deployed(blueprint)
    assert number == before.number
    return number


def test_each_change_is_kept_with_who_and_none_twice(alice, blueprint, production, deploy):
    deploy(2)
    deploy(2)
    environments.undeploy(blueprint, production, user=alice)
    environments.undeploy(blueprint, production, user=alice)

    told = [
        (change.number, change.made_by, change.is_roll_back) for change in changes_of(blueprint)
    ]
    assert told == [(None, alice, False), (2, alice, False), (1, alice, False)]


def test_rolling_back_twice_goes_two_steps_back(alice, blueprint, production, deploy):
    deploy(2)
    deploy(3)

    assert step_back(blueprint, production, alice) == 2
    assert step_back(blueprint, production, alice) == 1
    assert version_before(blueprint, production) is None
    with pytest.raises(Conflict, match="Nothing else was deployed to production before"):
        roll_back(blueprint, production, user=alice, expected="x")
    assert [change.is_roll_back for change in changes_of(blueprint)[:2]] == [True, True]


def test_what_was_deployed_after_a_roll_back_leads_back_to_where_that_led(
    alice, blueprint, production, deploy
):
    deploy(2)
    step_back(blueprint, production, alice)
    deploy(3)

    assert step_back(blueprint, production, alice) == 1


def test_what_was_taken_out_can_be_brought_back(alice, blueprint, production, deploy):
    deploy(3)
    environments.undeploy(blueprint, production, user=alice)

    assert step_back(blueprint, production, alice) == 3
    assert step_back(blueprint, production, alice) == 1


def test_environments_have_histories_of_their_own(alice, use_case, blueprint, production, deploy):
    deploy(2)
    staging = use_case.environments.get(name="staging")
    environments.deploy(blueprint.versions.get(number=3), staging, user=alice)

    assert version_before(blueprint, staging) is None
    assert version_before(blueprint, production) == blueprint.versions.get(number=1)


def test_a_version_that_was_deleted_is_passed_over(alice, blueprint, production, deploy):
    deploy(2)
    deploy(3)
    blueprint.versions.get(number=2).delete()

    assert step_back(blueprint, production, alice) == 1
    assert [change.number for change in changes_of(blueprint)] == [1, 3, 2, 1]


def test_nobody_rolls_back_to_what_they_have_not_read_of(alice, blueprint, production, deploy):
    deploy(2)
    read = version_before(blueprint, production)
    assert read is not None
    deploy(3)

    with pytest.raises(Conflict, match="Somebody deployed something meanwhile"):
        roll_back(blueprint, production, user=alice, expected=read.pk)
    assert deployed(blueprint) == 3


def test_a_viewer_rolls_nothing_back(vera, blueprint, production, deploy):
    deploy(2)
    with pytest.raises(Forbidden):
        roll_back(blueprint, production, user=vera, expected=blueprint.versions.get(number=1).pk)


def test_tools_have_a_history_too(alice, use_case):
    def made(text: str):
        return get_or_make(
            user=alice,
            use_case=use_case,
            kind="tool",
            path="a/tool",
            file_id=None,
            details={"source_code": text},
        )

    first, second = made("one"), made("two")
    production = use_case.environments.get(is_default=True)
    environments.deploy(second, production, user=alice)

    version = roll_back(first.file, production, user=alice, expected=first.pk)

    assert version == first
    assert environments.deployed_version(first.file, None) == first


def test_what_was_deployed_before_there_was_a_history_begins_it(alice, blueprint, deploy):
    deploy(3)
    DeploymentChange.objects.all().delete()

    import_module("blueprints.migrations.0010_deployments_begin_their_history").begin(apps, None)

    [change] = changes_of(blueprint)
    assert (change.number, change.made_by) == (3, alice)
    assert change.version == blueprint.versions.get(number=3)
