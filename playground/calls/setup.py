"""From what a program names to a call that can be made. Sync: runs in threads."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from accounts.models import UseCase, User
from accounts.services import require_editor
from blueprints import services as blueprint_services
from blueprints.llm_names import MOCK, find_llm, key_name
from blueprints.models import LLM, Blueprint, BlueprintVersion
from blueprints.providers.base import Message
from blueprints.providers.mock import mock_llm
from blueprints.settings import AnswerSettings
from blueprints.templates import JINJA
from blueprints.tools import linked_tools
from config.compiled import Compiled, given
from config.errors import Conflict, InvalidInput
from config.status import Status
from playground.calls.calling import Call
from playground.hooks import oversight
from playground.prompting import own_messages
from vectordb.models import VectorDatabase
from vectordb.retrieval import validate_metadata_filter


def set_up(
    version: BlueprintVersion,
    *,
    user: User,
    messages: Sequence[Message],
    inputs: dict[str, Any] | None,
    parameters: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    metadata_filter: dict[str, Any] | None = None,
    api_keys: Mapping[str, str] | None = None,
) -> Call:
    """The call of a version with these messages, and these inputs of its template.

    `parameters` are fields of LLMSettings, each of which counts more than the version's; the rest is
    as in `set_up_with`.
    """
    settings = AnswerSettings.of_version(version)
    settings = replace(settings, llm_settings=replace(settings.llm_settings, **(parameters or {})))
    return set_up_with(
        settings,
        blueprint=version.blueprint,
        version=version,
        user=user,
        messages=messages,
        inputs=inputs,
        options=options,
        metadata_filter=metadata_filter,
        api_keys=api_keys,
    )


def set_up_with(
    settings: AnswerSettings,
    *,
    blueprint: Blueprint,
    version: BlueprintVersion | None,
    user: User,
    messages: Sequence[Message],
    inputs: dict[str, Any] | None,
    options: Mapping[str, Any] | None = None,
    metadata_filter: dict[str, Any] | None = None,
    api_keys: Mapping[str, str] | None = None,
) -> Call:
    """The call of a blueprint with these settings, which are a `version` of it or none yet.

    Without inputs, braces in its texts are only braces. `options` of the provider count more than the
    settings', `api_keys` (by provider) more than ours. Raises Forbidden for a viewer, since calls
    cost money, and InvalidInput or Conflict where nobody can answer so, or inputs are missing.
    A template in jinja that does not hold is found out by `calling.prepare`.
    """
    require_editor(blueprint.use_case, user)
    llm, database = _checked(settings, blueprint.use_case, user)
    validate_metadata_filter(metadata_filter)
    if metadata_filter and database is None:
        raise InvalidInput(
            "This blueprint has no vector database that could be filtered.", field="metadata_filter"
        )
    # Jinja may take seconds, and this a database connection: it is filled before the call begins.
    is_jinja = inputs is not None and settings.prompt.template_language == JINJA
    own = own_messages(settings.llm_settings, settings.prompt, None if is_jinja else inputs)
    return Call(
        blueprint=blueprint,
        version=version,
        llm=llm,
        settings=settings,
        vector_database=database,
        # A completion is asked with its prompt alone.
        messages=() if settings.prompt.endpoint == "complete" else tuple(messages),
        inputs=inputs,
        own=tuple(own),
        is_filled=not is_jinja,
        options=_linked(settings, blueprint.use_case_id) | dict(options or {}),
        metadata_filter=metadata_filter,
        api_key=(api_keys or {}).get(key_name(llm), ""),
        watcher=oversight().watcher_of_call(blueprint, llm.pk),
    )


def _checked(
    settings: AnswerSettings, use_case: UseCase, user: User
) -> tuple[LLM, VectorDatabase | None]:
    prompt = settings.prompt
    if prompt.model and prompt.provider == MOCK:
        llm = mock_llm(prompt.model)
        database = blueprint_services.check_retrieval(settings, user=user, use_case=use_case)
    else:
        # A server may have come, or been given another name, since the version was made.
        found = find_llm(prompt.model, prompt.provider) if prompt.model else None
        if prompt.model and found is None:
            raise InvalidInput(
                f"No LLM here is called {prompt.model}: have staff add its server in the LLM settings, "
                "or name one that is offered there.",
                field="model",
            )
        named = replace(settings, llm_id=found.pk) if found is not None else settings
        database = blueprint_services.check_settings(named, user=user, use_case=use_case)
        llm = found or _checked_llm(settings)
    if database is not None and database.status != Status.COMPLETED:
        raise Conflict(f"The vector database {database.name} is not ready: wait until it is built.")
    return llm, database


_LLM = Compiled(lambda: LLM.objects.select_related("endpoint").filter(pk=given("id")))


def _checked_llm(settings: AnswerSettings) -> LLM:
    llm = _LLM.first(id=settings.llm_id or "")
    if llm is None:
        raise InvalidInput("The LLM does not exist (any more): choose another.", field="llm_id")
    return llm


def _linked(settings: AnswerSettings, use_case_id: str) -> dict[str, Any]:
    """The tools of the version and those that it links to, as the provider takes them."""
    wanted = settings.prompt.linked_tools
    if not wanted:
        return {}
    found = linked_tools([use_case_id], wanted).values()
    told = [*(settings.prompt.tools or ()), *(version.content["function"] for version in found)]
    return {"tools": [{"type": "function", "function": one} for one in told]}
