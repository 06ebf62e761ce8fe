"""Ids in paths: what does not look like one never reaches a view."""

from config.ids import ID_LENGTH


class IdConverter:
    regex = f"[0-9a-f]{{{ID_LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
