"""How what holds in a chat differs from what its blueprint says, field by field, in words."""

from typing import Any

from django import forms

from blueprints.forms import SettingsForm, initial_values
from blueprints.settings import AnswerSettings

_LONGEST = 120
_OPEN = "default"


def mark_changes(
    form: SettingsForm, settings: AnswerSettings, defaults: AnswerSettings
) -> list[str]:
    """The names of the form's fields in which `settings` differ. Each of these fields gets a `was`:
    what the defaults say there."""
    mine, theirs = initial_values(settings), initial_values(defaults)
    changed = [name for name in form.fields if name in mine and mine[name] != theirs[name]]
    for name in changed:
        field = form.fields[name]
        field.was = _told(field, theirs[name])  # type: ignore[attr-defined]
    form.shows_changes = True
    return changed


def _told(field: forms.Field, value: Any) -> str:
    if isinstance(field, forms.BooleanField):
        return "on" if value else "off"
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        return str(dict(choices).get(value or "", value))
    if value is None:
        return _OPEN
    text = (
        f"{value:g}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else value
    )
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
