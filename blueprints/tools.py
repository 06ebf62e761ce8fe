"""Tools that prompts link to: an LLM is told of the version that is deployed by default."""

from collections.abc import Collection

from accounts.models import UseCase
from blueprints.kinds import FILE_VERSIONS
from blueprints.models import FileKind, FileVersion
from config.errors import InvalidInput


def linked_tools(use_cases: Collection[str], tool_ids: Collection[str]) -> dict[str, FileVersion]:
    """By the tools' ids, those of these use cases that have a function to tell of."""
    versions = FILE_VERSIONS.filter(
        file__in=tool_ids,
        file__kind=FileKind.TOOL,
        file__use_case__in=use_cases,
        content__has_key="function",
        deployments__environment__is_default=True,
    )
    return {version.file_id: version for version in versions}


def check_linked_tools(use_case: UseCase, tool_ids: Collection[str]) -> None:
    """Raise InvalidInput unless an LLM can be told of all of them."""
    if set(tool_ids) - set(linked_tools([use_case.pk], tool_ids)):
        raise InvalidInput(
            "A linked tool does not exist, has no function, or is not deployed to the default "
            "environment.",
            field="linked_tools",
        )
