"""A version's settings as the prompt API has them: flat, with defaults, under its own names.

The vector database, the retrieval settings and the prompt type have no place there. A version that
is made of a kernel takes them over from the blueprint's newest.
"""

import hashlib
import json
from dataclasses import fields, replace
from typing import Any

from blueprints.llm_names import DEFAULT_PROVIDER, find_llm, provider_of
from blueprints.llm_settings import LLMSettings
from blueprints.models import LLM, BlueprintVersion
from blueprints.prompt_details import JSON, PromptDetails
from blueprints.settings import AnswerSettings
from config.errors import InvalidInput

# As much as fits.
_UNLIMITED = -1
_DEFAULTS: JSON = {
    "model": "",
    "endpoint": "chat",
    "template": None,
    "template_language": "default",
    "provider": DEFAULT_PROVIDER,
    "max_tokens": _UNLIMITED,
    "temperature": 1.0,
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "stop": None,
    "other": {},
    "seed": None,
    "response_format": None,
    "reasoning_effort": None,
    "tools": None,
    "linked_tools": None,
    "attributes": None,
}
# Where these say nothing, PromptDetails has none.
_NEUTRAL = ("presence_penalty", "frequency_penalty", "other")


def kernel_of(version: BlueprintVersion) -> JSON:
    """All fields of the version's kernel. Reads the version's LLM and its endpoint."""
    return kernel_of_settings(AnswerSettings.of_version(version), version.llm)


def kernel_of_settings(settings: AnswerSettings, llm: LLM | None) -> JSON:
    """Likewise; `llm` is that of the settings, for those that name it by its id alone."""
    asked = settings.llm_settings
    model = llm.model_name if llm is not None else ""
    kernel = _DEFAULTS | {"model": model or settings.llm_id or "", "provider": provider_of(llm)}
    kernel |= settings.prompt.to_json()
    kernel["template"] = joined_template(asked.system_prompt, settings.prompt.template)
    if asked.max_completion_length is not None:
        kernel["max_tokens"] = asked.max_completion_length
    if asked.temperature is not None:
        kernel["temperature"] = asked.temperature
    if asked.top_p is not None:
        kernel["top_p"] = asked.top_p
    return kernel


def filled(given: JSON) -> JSON:
    """A kernel as a program sent it, its fields checked, with defaults for what it left out."""
    said = {name: value for name, value in given.items() if name in _DEFAULTS}
    kernel = _DEFAULTS | {
        name: value for name, value in said.items() if value not in (None, [], {})
    }
    if isinstance(kernel["template"], list):
        kernel["template"] = [_without_nulls(message) for message in kernel["template"]]
    if kernel["tools"]:
        kernel["tools"] = [filled_function(tool) for tool in kernel["tools"]]
    return kernel


def filled_function(tool: JSON) -> JSON:
    """A tool as it is told to an LLM, with defaults for what a program left out."""
    told: JSON = _without_nulls(tool)
    return {"strict": False} | told


def settings_of(kernel: JSON, base: AnswerSettings | None = None) -> AnswerSettings:
    """The settings that say what a kernel with all its fields says, and beyond it what `base` does.

    Raises InvalidInput with the field's name in the kernel.
    """
    llm = find_llm(kernel["model"], kernel["provider"])
    system_prompt, template = split_template(kernel["template"])
    details = {field.name: kernel[field.name] for field in fields(PromptDetails)}
    details |= {name: kernel[name] or None for name in _NEUTRAL} | {"template": template}
    return replace(
        base or AnswerSettings(),
        llm_id=llm.pk if llm is not None else None,
        llm_settings=_llm_settings(kernel, system_prompt),
        prompt=PromptDetails(**details),
    )


def kernel_hash(settings: AnswerSettings, llm: LLM | None) -> str:
    """Equal for settings that have the same kernel and retrieve the same way: a SHA-256."""
    parts = {
        "kernel": kernel_of_settings(settings, llm),
        "vector_database_id": settings.vector_database_id,
        "retrieval_settings": settings.retrieval_settings.to_hash(),
        "prompt_type": str(settings.prompt_type),
    }
    return canonical_hash(parts)


def canonical_hash(content: Any) -> str:
    """The SHA-256 of JSON in which the order of keys, and 1 or 1.0, make no difference."""
    canonical = json.dumps(_with_one_kind_of_number(content), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _llm_settings(kernel: JSON, system_prompt: str | None) -> LLMSettings:
    unlimited = kernel["max_tokens"] == _UNLIMITED
    try:
        return LLMSettings(
            system_prompt=system_prompt,
            temperature=kernel["temperature"],
            # Saying it has no effect, and some LLMs refuse it beside a temperature.
            top_p=None if kernel["top_p"] == 1 else kernel["top_p"],
            max_completion_length=None if unlimited else kernel["max_tokens"],
        )
    except InvalidInput as error:
        places = {"system_prompt": "template", "max_completion_length": "max_tokens"}
        field = error.field or ""
        raise InvalidInput(error.message, field=places.get(field, field)) from None


def split_template(template: str | list[JSON] | None) -> tuple[str | None, str | list[JSON] | None]:
    """The system prompt, where the first message is nothing but one, and the rest of the template."""
    if not isinstance(template, list):
        return None, template
    first = template[0]
    is_plain = set(first) == {"role", "content"} and isinstance(first["content"], str)
    if first["role"] != "system" or not is_plain or not first["content"]:
        return None, template
    return first["content"], template[1:] or None


def joined_template(system_prompt: str | None, template: str | list[JSON] | None) -> Any:
    """The template as programs see it: with the system prompt for its first message."""
    if not system_prompt:
        return template
    first = {"role": "system", "content": system_prompt}
    if isinstance(template, str):
        return [first, {"role": "user", "content": template}]
    return [first, *(template or [])]


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


def _with_one_kind_of_number(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_one_kind_of_number(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_one_kind_of_number(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
