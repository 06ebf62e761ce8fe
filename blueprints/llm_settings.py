"""How an LLM is asked: part of a blueprint, a chat or a single prompt."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from config.errors import InvalidInput

LONGEST_PROMPT = 500_000
TEMPERATURE_RANGE = (0.0, 2.0)
TOP_P_RANGE = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class LLMSettings:
    """`None` leaves the choice to the LLM. `max_completion_length` is in tokens."""

    system_prompt: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_completion_length: int | None = None

    def __post_init__(self) -> None:
        if self.system_prompt is not None and len(self.system_prompt) > LONGEST_PROMPT:
            raise InvalidInput(
                f"At most {LONGEST_PROMPT:,} characters, please.", field="system_prompt"
            )
        for field, (low, high) in (("temperature", TEMPERATURE_RANGE), ("top_p", TOP_P_RANGE)):
            value = getattr(self, field)
            if value is not None and not low <= value <= high:
                raise InvalidInput(f"Must be between {low:g} and {high:g}.", field=field)
        if self.max_completion_length is not None and self.max_completion_length < 1:
            raise InvalidInput("Must be at least 1.", field="max_completion_length")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in known})
