"""Identifiers: 24 lower-case hex digits, as the GenAI API's clients expect, in order of creation."""

import secrets
import time
from typing import TYPE_CHECKING, Any

from django.core.validators import RegexValidator
from django.db import models

ID_LENGTH = 24
_RANDOM_BYTES = 8

if TYPE_CHECKING:
    _StrField = models.CharField[str, str]
else:
    _StrField = models.CharField


def new_id() -> str:
    """Four bytes of Unix time, then eight random ones: sorts by creation to the second."""
    return f"{int(time.time()):08x}{secrets.token_hex(_RANDOM_BYTES)}"


class IdField(_StrField):
    """The primary key of every object that has a URL."""

    default_validators = [RegexValidator(r"\A[0-9a-f]{24}\Z", "This is not a valid id.")]

    def __init__(self, **options: Any) -> None:
        defaults: dict[str, Any] = {
            "max_length": ID_LENGTH,
            "primary_key": True,
            "default": new_id,
            "editable": False,
        }
        super().__init__(**(defaults | options))

    def get_prep_value(self, value: Any) -> Any:
        """Look-ups by what the database cannot even take find nothing, as those by other words."""
        prepared = super().get_prep_value(value)
        return "" if isinstance(prepared, str) and not _is_storable(prepared) else prepared


def _is_storable(value: str) -> bool:
    return value.isascii() and "\0" not in value
