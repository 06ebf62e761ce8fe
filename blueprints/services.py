"""What can be done with blueprints and LLM endpoints."""

from dataclasses import replace

from django.conf import settings as django_settings
from django.db import transaction

from accounts.models import UseCase, User
from accounts.services import require_editor
from blueprints.catalogue import EXTRACTIVE_ID, built_in_llm
from blueprints.endpoints import (
    EndpointCheck,
    add_model,
    create_endpoint,
    delete_endpoint,
    sync_models,
    test_endpoint,
    update_endpoint,
    update_llm,
)
from blueprints.environments import deploy_first
from blueprints.locks import require_changeable, set_lock
from blueprints.models import LLM, Blueprint, BlueprintVersion, PromptType
from blueprints.paths import checked_path, claim_path, free_path
from blueprints.settings import UNSET, AnswerSettings, SettingsChanges, Unset
from blueprints.versions import lock_versions, make_version
from config.compiled import Compiled, given
from config.errors import Conflict, InvalidInput
from config.status import Status
from vectordb.models import VectorDatabase

__all__ = [
    "EndpointCheck",
    "add_model",
    "check_retrieval",
    "check_settings",
    "copy_blueprint",
    "create_blueprint",
    "create_endpoint",
    "delete_blueprint",
    "delete_endpoint",
    "require_changeable",
    "save_version",
    "set_lock",
    "sync_models",
    "test_endpoint",
    "update_blueprint",
    "update_endpoint",
    "update_llm",
]

LONGEST_NAME = 200


@transaction.atomic
def create_blueprint(
    *,
    user: User,
    use_case: UseCase,
    name: str,
    path: str = "",
    description: str = "",
    settings: AnswerSettings,
) -> Blueprint:
    """A new draft with its version 1. Without an LLM it gets the built-in one.

    Raises InvalidInput with the field that is wrong: name, path, or one of the settings.
    """
    require_editor(use_case, user)
    settings = _with_llm(settings)
    check_settings(settings, user=user, use_case=use_case)
    name = _checked_name(name)
    blueprint = Blueprint(
        use_case=use_case,
        name=name,
        path=_claimed(use_case, path) if path.strip() else free_path(use_case, name),
        description=description,
        created_by=user,
        updated_by=user,
    )
    blueprint.save()
    _set_version(blueprint, settings, user)
    deploy_first(blueprint.current, user=user)
    return blueprint


@transaction.atomic
def update_blueprint(
    blueprint: Blueprint,
    *,
    user: User,
    name: str | Unset = UNSET,
    description: str | Unset = UNSET,
    path: str | Unset = UNSET,
    is_starred: bool | Unset = UNSET,
    is_saved: bool | Unset = UNSET,
    changes: SettingsChanges = SettingsChanges(),  # noqa: B008 - frozen
) -> Blueprint:
    """Change what is given. A saved blueprint keeps its settings, and stays saved; a locked one keeps
    them until it is unlocked. One whose LLM is taken away gets the built-in one."""
    require_editor(blueprint.use_case, user)
    _lock(blueprint)
    if is_saved is False and blueprint.is_saved:
        raise InvalidInput(
            "A saved blueprint stays saved. Copy it to get a draft.", field="is_saved"
        )
    if name is not UNSET:
        blueprint.name = _checked_name(name)
    if description is not UNSET:
        blueprint.description = description
    if path is not UNSET and checked_path(path) != blueprint.path:
        blueprint.path = _claimed(blueprint.use_case, path)
    if is_starred is not UNSET:
        blueprint.is_starred = is_starred
    if changes:
        settings = changes.apply_to(AnswerSettings.of_version(blueprint.current))
        _change_settings(blueprint, _with_llm(settings), user)
    if is_saved is not UNSET:
        blueprint.is_saved = is_saved
    blueprint.updated_by = user
    blueprint.save()
    return blueprint


@transaction.atomic
def save_version(blueprint: Blueprint, *, user: User, settings: AnswerSettings) -> BlueprintVersion:
    """Put these settings in force. Settings that were saved before give their version again.

    Raises InvalidInput when the blueprint is saved or locked, or the settings do not hold.
    """
    require_editor(blueprint.use_case, user)
    _lock(blueprint)
    _change_settings(blueprint, settings, user)
    blueprint.updated_by = user
    blueprint.save(update_fields=["updated_by", "updated_at"])
    return blueprint.current


def copy_blueprint(
    blueprint: Blueprint,
    *,
    user: User,
    name: str,
    description: str | None = None,
    settings: AnswerSettings | None = None,
) -> Blueprint:
    """A new draft in the same use case, described and set as the blueprint unless told otherwise."""
    return create_blueprint(
        user=user,
        use_case=blueprint.use_case,
        name=name,
        description=blueprint.description if description is None else description,
        settings=settings or AnswerSettings.of_version(blueprint.current),
    )


@transaction.atomic
def delete_blueprint(blueprint: Blueprint, *, user: User) -> None:
    """Delete it with its versions and chats."""
    require_editor(blueprint.use_case, user)
    blueprint.delete()


def check_settings(
    settings: AnswerSettings, *, user: User, use_case: UseCase
) -> VectorDatabase | None:
    """Raise InvalidInput, with its field, unless an answer can be asked for with these settings.

    Returns their vector database, which may still be in the making.
    """
    if settings.prompt_type not in PromptType.values:
        raise InvalidInput("This prompt type is not known.", field="prompt_type")
    _check_llm(settings)
    return check_retrieval(settings, user=user, use_case=use_case)


def check_retrieval(
    settings: AnswerSettings, *, user: User, use_case: UseCase
) -> VectorDatabase | None:
    """The part of `check_settings` that is not about the LLM."""
    if settings.retrieval_settings.rerank and not django_settings.RERANKER:
        raise InvalidInput(
            "No reranker is configured: set GROUNDWORK_RERANKER on the server, or leave reranking "
            "off.",
            field="rerank",
        )
    if settings.vector_database_id is None:
        return None
    return _usable_database(settings.vector_database_id, user, use_case)


_LLM = Compiled(lambda: LLM.objects.select_related("endpoint").filter(pk=given("id")))
_DATABASE = Compiled(
    lambda: VectorDatabase.objects.visible_to(given("user")).filter(
        pk=given("id"), use_case=given("use_case")
    )
)


def _check_llm(settings: AnswerSettings) -> None:
    if settings.llm_id == EXTRACTIVE_ID:
        built_in_llm()
    llm = _LLM.first(id=settings.llm_id or "")
    if llm is None:
        raise InvalidInput("The LLM does not exist (any more): choose another.", field="llm_id")
    if not llm.is_usable:
        raise InvalidInput(
            f"{llm.label} cannot be used now: its server was not found, or staff switched it off. "
            "Choose another LLM.",
            field="llm_id",
        )
    longest = llm.max_completion_length or llm.context_size
    wanted = settings.llm_settings.max_completion_length
    if longest is not None and wanted is not None and wanted > longest:
        raise InvalidInput(
            f"At most {longest:,} tokens: that is as much as {llm.label} can answer.",
            field="max_completion_length",
        )


def _usable_database(database_id: str, user: User, use_case: UseCase) -> VectorDatabase:
    database = _DATABASE.first(id=database_id, use_case=use_case.pk, user=user.pk)
    if database is None:
        raise InvalidInput(
            "The vector database does not exist in this use case (any more): choose another, "
            "or none.",
            field="vector_database_id",
        )
    if database.status == Status.ERROR:
        raise InvalidInput(
            f"Building the vector database {database.name} failed: retry it, or choose another.",
            field="vector_database_id",
        )
    return database


def _lock(blueprint: Blueprint) -> None:
    """Wait until no other change of this blueprint is under way, then see what is in force."""
    lock_versions(blueprint)
    blueprint.refresh_from_db(fields=["version", "is_saved", "locked_by"])


def _change_settings(blueprint: Blueprint, settings: AnswerSettings, user: User) -> None:
    if settings == AnswerSettings.of_version(blueprint.current):
        return
    require_changeable(blueprint)
    check_settings(settings, user=user, use_case=blueprint.use_case)
    _set_version(blueprint, settings, user)


def _set_version(blueprint: Blueprint, settings: AnswerSettings, user: User) -> None:
    """Find or make the version with these settings; the caller holds the blueprint's lock."""
    same = blueprint.versions.filter(content_hash=settings.content_hash())
    blueprint.version = same.first() or make_version(blueprint, settings, user=user)
    blueprint.save(update_fields=["version"])


def _claimed(use_case: UseCase, path: str) -> str:
    try:
        return claim_path(use_case, path)
    except Conflict as error:
        raise InvalidInput(error.message, field="path") from None


def _with_llm(settings: AnswerSettings) -> AnswerSettings:
    """Without an LLM, nor a word about one that is gone, it is the built-in one."""
    if settings.llm_id is not None:
        return settings
    return replace(settings, llm_id=built_in_llm().pk)


def _checked_name(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME:
        raise InvalidInput(
            f"A name of 1 to {LONGEST_NAME} characters, please.",
            field="name",
        )
    return name
