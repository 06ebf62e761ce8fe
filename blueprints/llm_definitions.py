"""What each LLM lets one set, and within which bounds: what `genai/llms/` tells."""

from typing import Any

from blueprints.llm_settings import LONGEST_PROMPT, TEMPERATURE_RANGE, TOP_P_RANGE
from blueprints.models import LLM, Provider

_UNKNOWN_LANGUAGES = "Those that the model was trained on"
_UNKNOWN_LICENSE = "That of the model's vendor"


def describe_llm(llm: LLM) -> dict[str, Any]:
    """The LLM with its settings, every text non-blank."""
    built_in = llm.provider == Provider.EXTRACTIVE
    return {
        "id": llm.pk,
        "name": llm.label,
        "description": llm.description or llm.label,
        "vendor": llm.vendor or ("Groundwork" if built_in else "Unknown"),
        "license": "MIT" if built_in else _UNKNOWN_LICENSE,
        "supported_languages": _UNKNOWN_LANGUAGES,
        "settings": setting_definitions(llm),
        "context_size": llm.context_size,
        "is_deprecated": False,
        "is_active": True,
        "retirement_date": None,
        "provider": llm.provider,
        "is_metered": not built_in,
        "supported_custom_model_llm_validations": [],
    }


def setting_definitions(llm: LLM) -> list[dict[str, Any]]:
    longest = llm.max_completion_length or llm.context_size
    return [
        _setting(
            "maxCompletionLength",
            "Longest answer",
            "Tokens that an answer may have.",
            "integer",
            min_value=1,
            max_value=longest,
        ),
        _setting(
            "temperature",
            "Temperature",
            "How freely the next word is chosen; 0 for the likeliest.",
            "float",
            min_value=TEMPERATURE_RANGE[0],
            max_value=TEMPERATURE_RANGE[1],
        ),
        _setting(
            "topP",
            "Top P",
            "Only the likeliest words are considered, up to this sum of probabilities.",
            "float",
            min_value=TOP_P_RANGE[0],
            max_value=TOP_P_RANGE[1],
        ),
        _setting(
            "systemPrompt",
            "System prompt",
            "Put before every prompt.",
            "string",
            format_="multiline",
            max_length=LONGEST_PROMPT,
        ),
    ]


def _setting(
    id_: str,
    name: str,
    description: str,
    type_: str,
    format_: str | None = None,
    **constraints: float | None,
) -> dict[str, Any]:
    known = ("min_value", "max_value", "min_length", "max_length", "allowed_choices")
    return {
        "id": id_,
        "name": name,
        "description": description,
        "type": type_,
        "format": format_,
        "is_nullable": True,
        "default_value": None,
        "constraints": {"type": type_, **{key: constraints.get(key) for key in known}},
    }
