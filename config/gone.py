"""What was deleted between the look at it and the change of it."""

from django.db import DatabaseError
from psycopg.errors import ForeignKeyViolation


def is_gone(error: BaseException) -> bool:
    """Whether the row that was to be changed, or one that a new row belongs to, went meanwhile."""
    # An update of Django's own that found no row: it has no class, and no cause in the database.
    found_nothing = type(error) is DatabaseError and error.__cause__ is None
    return found_nothing or isinstance(error.__cause__, ForeignKeyViolation)
