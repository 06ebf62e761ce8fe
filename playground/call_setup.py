"""From what a program names to a call that can be made. Sync: runs in threads."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from accounts.models import User
from accounts.services import require_editor
from blueprints import services as blueprint_services
from blueprints.models import LLM, BlueprintVersion
from blueprints.providers.base import Message
from blueprints.settings import AnswerSettings
from config.errors import Conflict, InvalidInput
from config.status import Status
from playground.calling import Call
from playground.hooks import oversight
from vectordb.retrieval import validate_metadata_filter


def set_up(
    version: BlueprintVersion,
    *,
    user: User,
    messages: Sequence[Message],
    parameters: Mapping[str, Any],
    options: Mapping[str, Any],
    metadata_filter: dict[str, Any] | None = None,
) -> Call:
    """The call of a version with these messages.

    `parameters` are fields of LLMSettings and `options` further ones of the provider, each of which
    counts more than the version's. Raises Forbidden for a viewer, since calls cost money, and
    InvalidInput or Conflict where the version cannot answer.
    """
    blueprint = version.blueprint
    require_editor(blueprint.use_case, user)
    settings = AnswerSettings.of_version(version)
    settings = replace(settings, llm_settings=replace(settings.llm_settings, **parameters))
    database = blueprint_services.check_settings(settings, user=user, use_case=blueprint.use_case)
    if database is not None and database.status != Status.COMPLETED:
        raise Conflict(f"The vector database {database.name} is not ready: wait until it is built.")
    validate_metadata_filter(metadata_filter)
    if metadata_filter and database is None:
        raise InvalidInput(
            "This blueprint has no vector database that could be filtered.", field="metadata_filter"
        )
    return Call(
        blueprint=blueprint,
        version=version,
        llm=LLM.objects.select_related("endpoint").get(pk=settings.llm_id)
        if version.llm is None
        else version.llm,
        settings=settings,
        vector_database=database,
        messages=tuple(messages),
        options=options,
        metadata_filter=metadata_filter,
        watcher=oversight().watcher_of_call(blueprint, settings.llm_id or ""),
    )
