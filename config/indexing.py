"""Indexes of tables that may be large when they come."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connections


class BuildIndex(AddIndexConcurrently):
    """Without stopping whoever writes to the table, in a migration that is not atomic. Such a migration
    may end in the middle, so it can be run again: what is there already stays, and what a build that
    was broken off left behind makes way."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        is_valid = _is_valid(self.index.name, schema_editor.connection.alias)
        if is_valid is False:
            schema_editor.execute(
                f"DROP INDEX CONCURRENTLY {schema_editor.quote_name(self.index.name)}"
            )
        if not is_valid:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


def _is_valid(name: str, alias: str) -> bool | None:
    """None: there is no such index."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(quote_ident(%s))",
            [name],
        )
        found = cursor.fetchone()
    return found[0] if found else None
