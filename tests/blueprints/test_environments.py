"""Environments: which version programs get."""

import pytest

from accounts import services as accounts
from accounts.models import Role, User
from blueprints import environments, services
from blueprints.llm_settings import LLMSettings
from blueprints.models import Deployment
from blueprints.settings import AnswerSettings
from config.errors import Forbidden, InvalidInput

pytestmark = pytest.mark.django_db


def settings(prompt: str) -> AnswerSettings:
    return AnswerSettings(llm_id="extractive", llm_settings=LLMSettings(system_prompt=prompt))


@pytest.fixture
def blueprint(alice, use_case):
    return services.create_blueprint(
        user=alice, use_case=use_case, name="Bot", settings=settings("One")
    )


@pytest.fixture
def staging(use_case, blueprint):
    return use_case.environments.get(name="staging")


def test_the_first_version_alone_is_deployed_by_itself(alice, blueprint):
    first = blueprint.current

    services.save_version(blueprint, user=alice, settings=settings("Two"))

    assert blueprint.current != first
    assert environments.deployed_version(blueprint, None) == first
    assert environments.deployed_version(blueprint, "production") == first


def test_an_environment_has_one_version_of_a_blueprint(alice, blueprint, staging):
    second = services.save_version(blueprint, user=alice, settings=settings("Two"))
    assert environments.deployed_version(blueprint, "staging") is None

    environments.deploy(blueprint.versions.get(number=1), staging, user=alice)
    environments.deploy(second, staging, user=alice)

    assert environments.deployed_version(blueprint, "staging") == second
    production = environments.deployed_version(blueprint, "production")
    assert production is not None
    assert production.number == 1


def test_what_is_undeployed_is_deployed_nowhere_else(alice, blueprint, staging):
    environments.deploy(blueprint.current, staging, user=alice)

    environments.undeploy(blueprint, staging, user=alice)

    assert environments.deployed_version(blueprint, "staging") is None
    assert environments.deployed_version(blueprint, None) == blueprint.current


def test_an_unknown_environment_has_nothing(blueprint):
    assert environments.deployed_version(blueprint, "nowhere") is None


def test_own_environments_come_and_go_and_the_default_stays(alice, use_case, blueprint):
    canary = environments.create_environment(use_case, user=alice, name=" canary ")
    environments.deploy(blueprint.current, canary, user=alice)
    assert environments.deployed_version(blueprint, "canary") == blueprint.current
    for name in ("canary", "production", "", "x" * 101):
        with pytest.raises(InvalidInput):
            environments.create_environment(use_case, user=alice, name=name)

    environments.delete_environment(canary, user=alice)

    assert not Deployment.objects.filter(environment__name="canary").exists()
    with pytest.raises(InvalidInput, match="default environment stays"):
        environments.delete_environment(use_case.environments.get(is_default=True), user=alice)


def test_an_environment_of_another_use_case_is_refused(alice, blueprint):
    other = accounts.create_use_case(user=alice, name="Other")
    elsewhere = environments.ensure_environments(other)

    with pytest.raises(InvalidInput, match="another use case"):
        environments.deploy(blueprint.current, elsewhere, user=alice)


def test_viewers_deploy_nothing(alice, use_case, blueprint, staging):
    bob = User.objects.create_user("bob@example.com")
    accounts.share(use_case, by=alice, email=bob.email, role=Role.VIEWER)

    for act in (
        lambda: environments.deploy(blueprint.current, staging, user=bob),
        lambda: environments.undeploy(blueprint, staging, user=bob),
        lambda: environments.create_environment(use_case, user=bob, name="mine"),
        lambda: environments.delete_environment(staging, user=bob),
    ):
        with pytest.raises(Forbidden):
            act()
