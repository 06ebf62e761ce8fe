"""What a prompt says beyond a system prompt and the few parameters that every LLM has."""

from dataclasses import dataclass, fields
from typing import Any, Self

# A message of a template, or a tool, as the prompt API has it.
JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PromptDetails:
    """Empty in blueprints that are made in the pages. Treat the values as constants.

    `model` and `provider` are the names that a program gave; which LLM of ours they mean is found
    when it is called. `template` follows the system prompt: messages, or the text of the one user
    message, or of the completion where `endpoint` is "complete". A template's variables are filled
    from a call's inputs. `other` goes to the provider as it is; `attributes` are the caller's own.
    """

    model: str = ""
    provider: str = ""
    endpoint: str = "chat"
    template: str | list[JSON] | None = None
    template_language: str = "default"
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    response_format: JSON | None = None
    reasoning_effort: str | int | None = None
    tools: list[JSON] | None = None
    linked_tools: list[str] | None = None
    other: JSON | None = None
    attributes: JSON | None = None

    def to_json(self) -> JSON:
        """Only what says something, so that what is added here later changes no hash."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value != _DEFAULTS[name]}

    @classmethod
    def from_json(cls, data: JSON) -> Self:
        return cls(**{name: value for name, value in data.items() if name in _DEFAULTS})


_DEFAULTS: JSON = {field.name: field.default for field in fields(PromptDetails)}
