"""The pages of prompts: the list, versions, differences, and what can be done with a version."""

from typing import Any

import pytest
from django.urls import reverse

from accounts import services as accounts
from blueprints import services as blueprint_services
from blueprints.environments import deploy
from blueprints.files import get_or_make
from blueprints.kinds import file_of
from blueprints.llm_settings import LLMSettings
from blueprints.models import Blueprint, DeploymentChange
from blueprints.settings import AnswerSettings, SettingsChanges
from playground import services
from playground.models import Playground, PlaygroundBlueprint
from playground.prompt_pages.paths import traces_url
from tests.pages.conftest import HTMX
from tracing.models import Log


@pytest.fixture
def blueprint(alice, world) -> Blueprint:
    """The world's, with a second version that no chat uses."""
    settings = AnswerSettings(
        llm_id="extractive", llm_settings=LLMSettings(system_prompt="Be brief.", temperature=0.3)
    )
    first = AnswerSettings.of_version(world.blueprint.current)
    blueprint_services.save_version(world.blueprint, user=alice, settings=settings)
    blueprint_services.save_version(world.blueprint, user=alice, settings=first)
    return Blueprint.objects.get(pk=world.blueprint.pk)


@pytest.fixture
def second(blueprint):
    return blueprint.versions.get(number=2)


@pytest.fixture
def owner(client, alice):
    client.force_login(alice)
    return client


def page_of(client, name: str, /, *arguments, status: int = 200, **query) -> str:
    url = reverse(f"playground:{name}", args=arguments)
    response = client.get(url, query)
    assert response.status_code == status, response.content.decode()
    return str(response.content.decode())


def post(client, name: str, /, *arguments, **data):
    url = reverse(f"playground:{name}", args=arguments)
    return client.post(url, {"csrfmiddlewaretoken": "x", **data})


# The list


def test_the_list_tells_what_each_environment_has(owner, alice, world, blueprint, second):
    deploy(second, world.use_case.environments.get(name="staging"), user=alice)
    Log.objects.filter(pk=world.log.pk).update(blueprint=blueprint, cost="0.02")

    page = page_of(owner, "path-list", world.use_case.pk)

    for part in ("baseline", "v1 production", "v2 staging", "Extractive", "$0.02", "alice"):
        assert part in page
    assert f"/blueprints/{blueprint.pk}/" in page


def test_tools_and_flows_are_listed_and_can_be_chosen_alone(owner, alice, world):
    tool = get_or_make(
        user=alice,
        use_case=world.use_case,
        kind="tool",
        path="shop/weather",
        file_id=None,
        details={"source_code": "1"},
    )

    everything = page_of(owner, "path-list", world.use_case.pk)
    tools = page_of(owner, "path-list", world.use_case.pk, kind="tool")

    assert "shop/" in everything
    assert f"/files/{file_of(tool).pk}/" in everything
    assert "baseline" in everything
    assert f"/files/{file_of(tool).pk}/" in tools
    assert "baseline" not in tools


def test_words_find_and_what_is_not_found_is_said(owner, world):
    assert "baseline" in page_of(owner, "path-list", world.use_case.pk, q="BASE")
    nothing = page_of(owner, "path-list", world.use_case.pk, q="x\x00<b>")
    assert "Nothing like that" in nothing
    assert "x&lt;b&gt;" in nothing


def test_an_unknown_kind_is_not_found(owner, world):
    page_of(owner, "path-list", world.use_case.pk, kind="dataset", status=404)


def test_without_any_the_list_says_how_to_begin(owner, use_case):
    page = page_of(owner, "path-list", use_case.pk)

    assert "No prompts yet" in page
    assert "client.prompts.upsert" in page
    assert "New playground" in page


def test_viewers_see_and_do_nothing(client, vera, world, blueprint, second):
    client.force_login(vera)
    pages = [
        page_of(client, "path-list", world.use_case.pk),
        page_of(client, "blueprint-versions", blueprint.pk),
        page_of(client, "blueprint-version", blueprint.pk, second.pk),
        page_of(client, "blueprint-diff", blueprint.pk),
    ]

    for page in pages:
        for control in ("Deploy", "Edit and run", "Roll back", "New environment", "Use in chats"):
            assert control not in page
    page_of(client, "blueprint-editor", blueprint.pk, second.pk, status=403)


# Environments


def test_environments_are_made_and_deleted(owner, world):
    made = post(owner, "environment-create", world.use_case.pk, name="canary")
    assert made.status_code == 302
    canary = world.use_case.environments.get(name="canary")

    again = post(owner, "environment-create", world.use_case.pk, name="canary")
    assert again.status_code == 422
    assert "There is an environment of this name" in again.content.decode()

    assert "get an error from now on" in page_of(owner, "environment-delete", canary.pk)
    assert post(owner, "environment-delete", canary.pk).status_code == 302
    assert not world.use_case.environments.filter(name="canary").exists()


def test_the_default_environment_stays(owner, world):
    production = world.use_case.environments.get(is_default=True)

    assert post(owner, "environment-delete", production.pk).status_code == 422
    assert world.use_case.environments.filter(pk=production.pk).exists()


# A prompt and its versions


def test_a_prompts_page_tells_of_its_versions(owner, world, blueprint, second):
    Log.objects.filter(pk=world.log.pk).update(blueprint=blueprint, blueprint_version=second)

    page = page_of(owner, "blueprint-versions", blueprint.pk)

    for part in ("v1", "v2", "1.24 s", "production", "v1 to", "Refund bot", "alice"):
        assert part in page
    assert f"?path={blueprint.path}" in page


def test_a_prompts_page_takes_as_many_queries_for_many_versions(
    owner, alice, blueprint, django_assert_max_num_queries
):
    with django_assert_max_num_queries(40) as queries:
        page_of(owner, "blueprint-versions", blueprint.pk)
    for number in range(8):
        settings = AnswerSettings(
            llm_id="extractive", llm_settings=LLMSettings(temperature=number / 10)
        )
        blueprint_services.save_version(blueprint, user=alice, settings=settings)

    with django_assert_max_num_queries(len(queries)):
        page = page_of(owner, "blueprint-versions", blueprint.pk)
    assert "v10" in page


def test_calls_with_settings_that_are_no_version_are_told_of(owner, world, blueprint):
    Log.objects.filter(pk=world.log.pk).update(blueprint=blueprint)

    assert "1 more call with settings that are no version" in page_of(
        owner, "blueprint-versions", blueprint.pk
    )


def test_a_version_shows_what_it_says_and_where_its_traces_are(owner, blueprint, second):
    page = page_of(owner, "blueprint-version", blueprint.pk, second.pk)

    for part in ("Be brief.", "0.3", "By meaning and by words", "Changes since v1", "Use in chats"):
        assert part in page
    assert f"?path={blueprint.path}&amp;levels=all&amp;version=2" in page


def test_the_traces_of_a_version_are_those_of_its_calls(owner, world, blueprint, second):
    Log.objects.filter(pk=world.log.pk).update(blueprint=blueprint, blueprint_version=second)
    first = blueprint.versions.get(number=1)

    of_second = owner.get(traces_url(blueprint, second)).content.decode()
    of_first = owner.get(traces_url(blueprint, first)).content.decode()
    of_all = owner.get(traces_url(blueprint)).content.decode()

    for page, is_there in ((of_second, True), (of_first, False), (of_all, True)):
        assert (f"/traces/{world.log.pk}/" in page) is is_there


def test_a_version_is_found_below_its_own_blueprint_alone(owner, alice, world, second):
    other = services.create_blueprint(
        user=alice, playground=world.playground, name="Other", settings=AnswerSettings()
    )

    page_of(owner, "blueprint-version", other.pk, second.pk, status=404)
    assert post(owner, "blueprint-version-use", other.pk, second.pk).status_code == 404


def between(old: int, new: int) -> dict[str, Any]:
    return {"from": old, "to": new}


def test_differences_are_between_the_newest_two_unless_told(owner, blueprint):
    page = page_of(owner, "blueprint-diff", blueprint.pk)
    back = page_of(owner, "blueprint-diff", blueprint.pk, **between(2, 1))

    assert "<ins>0.3</ins>" in page
    assert "<del>0.3</del>" in back
    assert "<ins>Be brief.</ins>" in page
    assert "They say the same" in page_of(owner, "blueprint-diff", blueprint.pk, **between(1, 1))


@pytest.mark.parametrize("number", ["0", "99", "x", "²", "1" * 40])
def test_versions_that_are_not_there_have_no_differences(owner, blueprint, number):
    page_of(owner, "blueprint-diff", blueprint.pk, to=number, status=404)


def test_markup_in_a_prompt_is_text(owner, alice, blueprint):
    settings = AnswerSettings(
        llm_id="extractive", llm_settings=LLMSettings(system_prompt="<script>alert(1)</script>")
    )
    version = blueprint_services.save_version(blueprint, user=alice, settings=settings)

    for page in (
        page_of(owner, "blueprint-version", blueprint.pk, version.pk),
        page_of(owner, "blueprint-diff", blueprint.pk),
        page_of(owner, "blueprint-editor", blueprint.pk, version.pk),
    ):
        assert "<script>alert" not in page
        assert "&lt;" in page


def test_a_version_is_named_and_no_two_alike(owner, blueprint, second):
    first = blueprint.versions.get(number=1)
    named = post(
        owner, "blueprint-version-name", blueprint.pk, second.pk, name="calm", description="Why"
    )
    taken = post(owner, "blueprint-version-name", blueprint.pk, first.pk, name="calm")
    second.refresh_from_db()

    assert named.status_code == 302
    assert (second.name, second.description) == ("calm", "Why")
    assert taken.status_code == 422
    assert "choose another name" in taken.content.decode()
    assert (
        post(owner, "blueprint-version-name", blueprint.pk, second.pk, name="").status_code == 302
    )
    second.refresh_from_db()
    assert second.name == ""


def test_a_version_is_used_in_chats_and_overrules_what_they_had(
    owner, alice, world, blueprint, second
):
    services.change_chat_settings(
        world.chat, user=alice, changes=_changes(LLMSettings(temperature=1.5))
    )

    assert post(owner, "blueprint-version-use", blueprint.pk, second.pk).status_code == 302

    blueprint.refresh_from_db()
    world.chat.refresh_from_db()
    assert blueprint.version == second
    assert world.chat.llm_settings is None
    assert blueprint.versions.count() == 2


def _changes(llm_settings: LLMSettings):
    return SettingsChanges(llm_settings=llm_settings)


def test_a_locked_blueprints_chats_keep_their_version(owner, alice, blueprint, second):
    services.update_blueprint(blueprint, user=alice, is_saved=True)

    refused = post(owner, "blueprint-version-use", blueprint.pk, second.pk)

    assert refused.status_code == 409
    assert "locked" in refused.content.decode()
    page = page_of(owner, "blueprint-version", blueprint.pk, second.pk)
    assert "Use in chats" not in page


# Into a playground


def test_a_version_is_opened_as_a_blueprint_of_its_own(owner, world, blueprint, second):
    response = post(
        owner,
        "blueprint-version-open",
        blueprint.pk,
        second.pk,
        playground=world.playground.pk,
        is_copy="copy",
    )

    copy = Blueprint.objects.get(name="Baseline v2")
    assert (
        response.headers["Location"] == f"/playgrounds/{world.playground.pk}/?blueprint={copy.pk}"
    )
    assert copy.current.content_hash == second.content_hash
    blueprint.refresh_from_db()
    assert blueprint.current.number == 1


def test_or_as_what_all_chats_use_in_a_new_playground(owner, blueprint, second):
    response = post(
        owner,
        "blueprint-version-open",
        blueprint.pk,
        second.pk,
        playground="",
        name="Desk",
        is_copy="itself",
    )

    desk = Playground.objects.get(name="Desk")
    assert response.status_code == 302
    blueprint.refresh_from_db()
    assert blueprint.version == second
    assert PlaygroundBlueprint.objects.filter(playground=desk, blueprint=blueprint).exists()


def test_what_chats_use_already_is_not_asked_about(owner, blueprint):
    first = blueprint.current

    page = page_of(owner, "blueprint-version-open", blueprint.pk, first.pk)
    opened = post(owner, "blueprint-version-open", blueprint.pk, first.pk, name="Desk")

    assert "a blueprint of its own" not in page
    assert opened.status_code == 302
    assert Blueprint.objects.count() == 1


def test_a_new_playground_needs_a_name_and_others_cannot_be_named(owner, bob, blueprint, second):
    theirs = services.create_playground(
        user=bob, use_case=accounts.create_use_case(user=bob, name="Theirs"), name="Secret"
    )

    nameless = post(owner, "blueprint-version-open", blueprint.pk, second.pk, is_copy="copy")
    strange = post(owner, "blueprint-version-open", blueprint.pk, second.pk, playground=theirs.pk)

    assert nameless.status_code == 422
    assert "needs a name" in nameless.content.decode()
    assert strange.status_code == 422
    assert Playground.objects.filter(use_case=blueprint.use_case).count() == 1


# Deployments


def test_deploying_says_what_programs_get_and_does_it(owner, world, blueprint, second):
    production = world.use_case.environments.get(is_default=True)
    both = {"version": second.pk, "environment": production.pk}

    asked = page_of(owner, "blueprint-deploy", blueprint.pk, **both)
    done = post(owner, "blueprint-deploy", blueprint.pk, **both)

    assert "name “production” or no environment get v2 instead of v1 from now on" in asked
    assert done.headers["Location"] == f"/blueprints/{blueprint.pk}/"
    assert "v2 to" in page_of(owner, "blueprint-versions", blueprint.pk)


def test_what_is_deployed_where_can_be_chosen(owner, blueprint, second):
    page = page_of(owner, "blueprint-deploy", blueprint.pk, version=second.pk)

    assert f'value="{second.pk}" selected' in page
    assert "production (v1 now, also for programs that name none)" in page
    assert "staging (nothing now)" in page


@pytest.mark.parametrize("field", ["version", "environment"])
def test_what_belongs_to_others_cannot_be_deployed(owner, world, blueprint, second, field):
    data = {
        "version": second.pk,
        "environment": world.use_case.environments.get(is_default=True).pk,
    }
    before = DeploymentChange.objects.count()

    refused = post(owner, "blueprint-deploy", blueprint.pk, **data | {field: "f" * 24})

    assert refused.status_code == 422
    assert DeploymentChange.objects.count() == before


def test_it_is_rolled_back_and_taken_out(owner, alice, world, blueprint, second):
    production = world.use_case.environments.get(is_default=True)
    deploy(second, production, user=alice)
    first = blueprint.versions.get(number=1)

    asked = page_of(owner, "blueprint-roll-back", blueprint.pk, production.pk)
    assert "get v1 instead of v2 from now on" in asked
    assert (
        post(owner, "blueprint-roll-back", blueprint.pk, production.pk, to=first.pk).status_code
        == 302
    )
    assert "v1 again in" in page_of(owner, "blueprint-versions", blueprint.pk)

    taken = page_of(owner, "blueprint-take-out", blueprint.pk, production.pk)
    assert "get an error from now on" in taken
    assert post(owner, "blueprint-take-out", blueprint.pk, production.pk).status_code == 302
    assert not production.deployments.exists()
    assert "nothing: programs get an error" in page_of(owner, "blueprint-versions", blueprint.pk)


def test_a_roll_back_that_was_overtaken_is_refused(owner, alice, world, blueprint, second):
    production = world.use_case.environments.get(is_default=True)
    deploy(second, production, user=alice)

    refused = post(owner, "blueprint-roll-back", blueprint.pk, production.pk, to=second.pk)

    assert refused.status_code == 409
    assert "Somebody deployed something meanwhile" in refused.content.decode()


def test_where_nothing_was_before_there_is_no_way_back(owner, world, blueprint):
    production = world.use_case.environments.get(is_default=True)
    url = reverse("playground:blueprint-roll-back", args=[blueprint.pk, production.pk])

    page = owner.get(url, follow=True).content.decode()

    assert "Nothing else was deployed to production before." in page


def test_tools_have_versions_and_deployments_too(owner, alice, world):
    made = [
        get_or_make(
            user=alice,
            use_case=world.use_case,
            kind="tool",
            path="weather",
            file_id=None,
            details={"source_code": text},
        )
        for text in ("one", "two")
    ]
    tool = file_of(made[0])
    production = world.use_case.environments.get(is_default=True)

    page = page_of(owner, "file-versions", tool.pk)
    deployed = post(owner, "file-deploy", tool.pk, version=made[1].pk, environment=production.pk)

    assert "v2" in page
    assert "&quot;source_code&quot;: &quot;two&quot;" in page
    assert deployed.headers["Location"] == f"/files/{tool.pk}/"
    assert "Roll back to v1" in page_of(owner, "file-versions", tool.pk)
    rolled = post(owner, "file-roll-back", tool.pk, production.pk, to=made[0].pk)
    assert rolled.status_code == 302
    assert post(owner, "file-take-out", tool.pk, production.pk).status_code == 302
    assert not production.deployments.filter(file=tool).exists()


def test_dialogs_get_the_form_alone(owner, blueprint):
    url = reverse("playground:blueprint-deploy", args=[blueprint.pk])

    page = owner.get(url, headers=HTMX).content.decode()

    assert "<html" not in page
    assert "Programs get the version at once" in page
