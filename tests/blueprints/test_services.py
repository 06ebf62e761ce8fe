import threading
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections

from accounts import services as accounts
from accounts.models import Role
from blueprints import services
from blueprints.catalogue import built_in_llm
from blueprints.llm_settings import LLMSettings
from blueprints.models import Blueprint, BlueprintVersion
from blueprints.settings import AnswerSettings, SettingsChanges
from config.errors import Forbidden, InvalidInput
from config.status import Status
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings

SETTINGS = AnswerSettings(llm_settings=LLMSettings(system_prompt="Be brief."))


@pytest.fixture
def blueprint(alice, use_case) -> Blueprint:
    return services.create_blueprint(
        user=alice, use_case=use_case, name="Refunds, plain", settings=SETTINGS
    )


@pytest.fixture
def database(alice, use_case) -> VectorDatabase:
    return VectorDatabase.objects.create(
        use_case=use_case,
        dataset_name="Handbook",
        name="Handbook",
        family_id="0" * 24,
        embedding_model="m",
        dimensions=384,
        chunking_method="recursive",
        chunk_size=256,
        chunk_overlap_percentage=0,
        separators=[],
        status=Status.COMPLETED,
        created_by=alice,
    )


def settings_of(blueprint: Blueprint) -> AnswerSettings:
    blueprint.refresh_from_db()
    return AnswerSettings.of_version(blueprint.current)


def test_a_new_blueprint_has_version_1_and_the_built_in_llm(blueprint):
    assert blueprint.path == "refunds-plain"
    assert blueprint.current.number == 1
    assert blueprint.current.llm_id == "extractive"
    assert settings_of(blueprint) == replace(SETTINGS, llm_id="extractive")
    assert not blueprint.is_saved


def test_names_may_repeat_paths_made_of_them_do_not(alice, use_case, blueprint):
    paths = [
        services.create_blueprint(
            user=alice, use_case=use_case, name="Refunds, plain", settings=SETTINGS
        ).path
        for _ in range(2)
    ]
    assert paths == ["refunds-plain-2", "refunds-plain-3"]


def test_a_name_without_latin_letters_gets_a_path(alice, use_case):
    blueprint = services.create_blueprint(
        user=alice, use_case=use_case, name="返金", settings=SETTINGS
    )
    assert blueprint.path == "blueprint"


def test_a_path_can_be_chosen_once_per_use_case(alice, use_case, blueprint):
    make = {"user": alice, "name": "x", "path": "refunds/baseline", "settings": SETTINGS}
    assert services.create_blueprint(use_case=use_case, **make).path == "refunds/baseline"
    with pytest.raises(InvalidInput) as error:
        services.create_blueprint(use_case=use_case, **make)
    assert error.value.field == "path"
    other = accounts.create_use_case(user=alice, name="Other")
    assert services.create_blueprint(use_case=other, **make).path == "refunds/baseline"


@pytest.mark.parametrize(
    ("path", "kept"), [("/a/", "a"), ("Ünder Wegs/v1.2 (new)", "Ünder Wegs/v1.2 (new)")]
)
def test_a_path_has_any_names_divided_by_slashes(alice, blueprint, path, kept):
    assert services.update_blueprint(blueprint, user=alice, path=path).path == kept


@pytest.mark.parametrize(
    "path", ["", "/", "a//b", " a", "a/ b", "a/../b", "./a", "a" * 251, "a\nb"]
)
def test_other_paths_are_refused(alice, use_case, blueprint, path):
    with pytest.raises(InvalidInput) as error:
        services.update_blueprint(blueprint, user=alice, path=path)
    assert error.value.field == "path"


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_a_name_is_needed(alice, use_case, name):
    with pytest.raises(InvalidInput) as error:
        services.create_blueprint(user=alice, use_case=use_case, name=name, settings=SETTINGS)
    assert error.value.field == "name"
    assert not Blueprint.objects.exists()


def test_viewers_change_nothing(vera, use_case, blueprint):
    attempts = [
        lambda: services.create_blueprint(
            user=vera, use_case=use_case, name="x", settings=SETTINGS
        ),
        lambda: services.update_blueprint(blueprint, user=vera, name="x"),
        lambda: services.save_version(blueprint, user=vera, settings=SETTINGS),
        lambda: services.copy_blueprint(blueprint, user=vera, name="x"),
        lambda: services.delete_blueprint(blueprint, user=vera),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()
    assert Blueprint.objects.get().name == "Refunds, plain"


def test_editors_do(alice, vera, use_case, blueprint):
    accounts.share(use_case, by=alice, email=vera.email, role=Role.EDITOR)
    services.update_blueprint(blueprint, user=vera, name="Hers")
    blueprint.refresh_from_db()
    assert (blueprint.name, blueprint.updated_by) == ("Hers", vera)


def test_changed_settings_are_a_new_version_and_known_ones_are_found(alice, blueprint):
    first = settings_of(blueprint)
    warm = replace(first, llm_settings=LLMSettings(temperature=0.7))
    assert services.save_version(blueprint, user=alice, settings=warm).number == 2
    assert services.save_version(blueprint, user=alice, settings=first).number == 1
    assert settings_of(blueprint) == first
    assert services.save_version(blueprint, user=alice, settings=warm).number == 2
    assert blueprint.versions.count() == 2


def test_an_update_changes_what_is_given(alice, blueprint):
    changes = SettingsChanges(retrieval_settings=RetrievalSettings(add_neighbor_chunks=True))
    services.update_blueprint(blueprint, user=alice, is_starred=True, changes=changes)
    settings = settings_of(blueprint)
    assert settings.retrieval_settings.add_neighbor_chunks
    assert settings.llm_settings == SETTINGS.llm_settings
    assert (blueprint.name, blueprint.is_starred) == ("Refunds, plain", True)
    assert blueprint.current.number == 2


def test_a_saved_blueprint_keeps_its_settings_but_not_its_name(alice, blueprint):
    services.update_blueprint(blueprint, user=alice, is_saved=True)
    changes = SettingsChanges(llm_settings=None)
    with pytest.raises(InvalidInput, match="Copy it"):
        services.update_blueprint(blueprint, user=alice, name="no", changes=changes)
    with pytest.raises(InvalidInput, match="Copy it"):
        services.save_version(blueprint, user=alice, settings=AnswerSettings(llm_id="extractive"))
    with pytest.raises(InvalidInput, match="stays saved") as error:
        services.update_blueprint(blueprint, user=alice, is_saved=False)
    assert error.value.field == "is_saved"
    services.update_blueprint(
        blueprint, user=alice, name="Yes", description="d", is_starred=True, is_saved=True
    )
    blueprint.refresh_from_db()
    assert (blueprint.name, blueprint.is_starred) == ("Yes", True)
    assert blueprint.versions.count() == 1


def test_settings_can_change_in_the_very_update_that_saves(alice, blueprint):
    changes = SettingsChanges(llm_settings=LLMSettings(top_p=0.5))
    services.update_blueprint(blueprint, user=alice, is_saved=True, changes=changes)
    assert settings_of(blueprint).llm_settings.top_p == 0.5


def test_a_copy_is_a_draft_with_the_same_settings(alice, blueprint):
    services.update_blueprint(blueprint, user=alice, is_saved=True, description="Why")
    copy = services.copy_blueprint(blueprint, user=alice, name="Copy")
    assert settings_of(copy) == settings_of(blueprint)
    assert (copy.path, copy.description, copy.is_saved) == ("copy", "Why", False)


def test_deleting_takes_the_versions_along(alice, blueprint):
    services.delete_blueprint(blueprint, user=alice)
    assert not BlueprintVersion.objects.exists()


def test_a_deleted_llm_leaves_the_blueprint_which_then_says_so(alice, use_case, blueprint, llm):
    services.update_blueprint(blueprint, user=alice, changes=SettingsChanges(llm_id=llm.pk))
    llm.delete()
    with pytest.raises(InvalidInput, match="any more") as error:
        services.check_settings(settings_of(blueprint), user=alice, use_case=use_case)
    assert error.value.field == "llm_id"
    services.update_blueprint(blueprint, user=alice, name="Still there")


def test_a_deleted_database_leaves_the_blueprint_which_then_says_so(
    alice, use_case, blueprint, database
):
    changes = SettingsChanges(vector_database_id=database.pk)
    services.update_blueprint(blueprint, user=alice, changes=changes)
    before = blueprint.current.content_hash
    database.delete()
    settings = settings_of(blueprint)
    assert settings.content_hash() == before
    with pytest.raises(InvalidInput, match="any more") as error:
        services.check_settings(settings, user=alice, use_case=use_case)
    assert error.value.field == "vector_database_id"
    services.update_blueprint(
        blueprint, user=alice, changes=SettingsChanges(vector_database_id=None)
    )
    services.check_settings(settings_of(blueprint), user=alice, use_case=use_case)


def refused_field(settings, user, use_case) -> str | None:
    with pytest.raises(InvalidInput) as error:
        services.check_settings(settings, user=user, use_case=use_case)
    return error.value.field


def test_an_llm_that_cannot_be_used_is_refused(alice, use_case, llm):
    settings = AnswerSettings(llm_id=llm.pk)
    services.check_settings(settings, user=alice, use_case=use_case)
    for owner, flag in [(llm, "is_active"), (llm, "is_listed"), (llm.endpoint, "is_active")]:
        setattr(owner, flag, False)
        owner.save()
        assert refused_field(settings, alice, use_case) == "llm_id"
        assert not type(llm).objects.usable().filter(pk=llm.pk).exists()
        setattr(owner, flag, True)
        owner.save()
    for nothing in ("no-such-llm", None):
        assert refused_field(AnswerSettings(llm_id=nothing), alice, use_case) == "llm_id"


def test_the_longest_answer_is_the_llms(alice, use_case, llm):
    def settings(tokens):
        return AnswerSettings(llm_id=llm.pk, llm_settings=LLMSettings(max_completion_length=tokens))

    services.check_settings(settings(8192), user=alice, use_case=use_case)
    assert refused_field(settings(8193), alice, use_case) == "max_completion_length"
    llm.max_completion_length = 100
    llm.save()
    services.check_settings(settings(100), user=alice, use_case=use_case)
    assert refused_field(settings(101), alice, use_case) == "max_completion_length"


def test_a_database_of_another_use_case_is_unknown(alice, bob, use_case, database):
    built_in_llm()
    settings = AnswerSettings(llm_id="extractive", vector_database_id=database.pk)
    services.check_settings(settings, user=alice, use_case=use_case)
    other = accounts.create_use_case(user=alice, name="Other")
    assert refused_field(settings, alice, other) == "vector_database_id"
    his = accounts.create_use_case(user=bob, name="His")
    assert refused_field(settings, bob, his) == "vector_database_id"


def test_a_database_that_failed_is_refused(alice, use_case, database):
    settings = AnswerSettings(llm_id="extractive", vector_database_id=database.pk)
    for status in (Status.NEW, Status.RUNNING, Status.COMPLETED):
        VectorDatabase.objects.update(status=status)
        services.check_settings(settings, user=alice, use_case=use_case)
    VectorDatabase.objects.update(status=Status.ERROR)
    assert refused_field(settings, alice, use_case) == "vector_database_id"


def test_an_unknown_prompt_type_is_refused(alice, use_case):
    assert refused_field(AnswerSettings(prompt_type="?"), alice, use_case) == "prompt_type"


def at_once(*calls) -> list[Any]:
    """Run the calls in threads that start together; what they returned or raised."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(index, call):
        barrier.wait()
        try:
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_the_same_settings_saved_at_once_make_one_version(alice, use_case, blueprint):
    warm = replace(settings_of(blueprint), llm_settings=LLMSettings(temperature=1))

    def save():
        own = Blueprint.objects.get(pk=blueprint.pk)
        return services.save_version(own, user=alice, settings=warm).number

    assert at_once(*[save] * 6) == [2] * 6
    assert blueprint.versions.count() == 2


@pytest.mark.django_db(transaction=True)
def test_different_settings_saved_at_once_are_numbered_without_a_gap(alice, use_case, blueprint):
    first = settings_of(blueprint)

    def save(tokens):
        own = Blueprint.objects.get(pk=blueprint.pk)
        settings = replace(first, llm_settings=LLMSettings(max_completion_length=tokens))
        return services.save_version(own, user=alice, settings=settings).number

    numbers = at_once(*[lambda tokens=tokens: save(tokens) for tokens in range(1, 7)])
    assert sorted(numbers) == [2, 3, 4, 5, 6, 7]


@pytest.mark.django_db(transaction=True)
def test_blueprints_of_one_name_created_at_once_get_paths_of_their_own(alice, use_case):
    built_in_llm()

    def create():
        return services.create_blueprint(
            user=alice, use_case=use_case, name="Same", settings=SETTINGS
        ).path

    assert sorted(at_once(*[create] * 4)) == ["same", "same-2", "same-3", "same-4"]
