"""The settings of an answer as one value: what a version holds, and what may change in it."""

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import Any, Final, Literal

from blueprints.llm_settings import LLMSettings
from blueprints.models import BlueprintVersion, PromptType
from blueprints.prompt_details import PromptDetails
from vectordb.retrieval_settings import RetrievalSettings


class _Unset(Enum):
    UNSET = "unset"


UNSET: Final = _Unset.UNSET
Unset = Literal[_Unset.UNSET]


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """Which LLM answers, how it is asked, and what it is given to read."""

    llm_id: str | None = None
    llm_settings: LLMSettings = field(default_factory=LLMSettings)
    prompt: PromptDetails = field(default_factory=PromptDetails)
    vector_database_id: str | None = None
    retrieval_settings: RetrievalSettings = field(default_factory=RetrievalSettings)
    prompt_type: str = PromptType.CHAT_HISTORY_AWARE

    @classmethod
    def of_version(cls, version: BlueprintVersion) -> "AnswerSettings":
        """As the version was saved: an LLM or database deleted since is still named, so that
        `services.check_settings` can say that it is gone."""
        return cls(
            llm_id=version.llm_id or version.saved_llm_id or None,
            llm_settings=version.llm_parameters,
            prompt=version.prompt,
            vector_database_id=version.vector_database_id
            or version.saved_vector_database_id
            or None,
            retrieval_settings=version.retrieval_parameters,
            prompt_type=version.prompt_type,
        )

    def content_hash(self) -> str:
        """Equal for equal settings: the SHA-256 of their canonical JSON."""
        parts = {
            "llm_id": self.llm_id,
            "llm_settings": self.llm_settings.to_json(),
            "vector_database_id": self.vector_database_id,
            "retrieval_settings": self.retrieval_settings.to_hash(),
            "prompt_type": str(self.prompt_type),
        }
        if prompt := self.prompt.to_json():
            parts["prompt"] = prompt
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SettingsChanges:
    """What to change in settings, each field on its own. UNSET leaves as it is, None clears.

    A settings object replaces the old one as a whole; it is never merged.
    """

    llm_id: str | Unset | None = UNSET
    llm_settings: LLMSettings | Unset | None = UNSET
    vector_database_id: str | Unset | None = UNSET
    retrieval_settings: RetrievalSettings | Unset | None = UNSET
    prompt_type: str | Unset = UNSET

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) is not UNSET for field in fields(self))

    def given(self) -> dict[str, Any]:
        """The fields that are set, None included."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not UNSET}

    def apply_to(self, settings: AnswerSettings) -> AnswerSettings:
        given = self.given()
        if "llm_settings" in given:
            given["llm_settings"] = given["llm_settings"] or LLMSettings()
        if "retrieval_settings" in given:
            given["retrieval_settings"] = given["retrieval_settings"] or RetrievalSettings()
        return replace(settings, **given)
