"""Two who change the same things at the same moment: the database lets one of them have its way."""

from django.db import DatabaseError
from psycopg.errors import DeadlockDetected, ForeignKeyViolation


def is_collision(error: BaseException) -> bool:
    """Whether it came to nothing because of what somebody else did meanwhile: deleted what was to be
    changed or added to, added to what was to be deleted, or waited for it the other way round.

    Nothing of the transaction is left. Whoever looks again finds things as they are now.
    """
    # An update of Django's own that found no row: it has no class, and no cause in the database.
    found_nothing = type(error) is DatabaseError and error.__cause__ is None
    return found_nothing or isinstance(error.__cause__, DeadlockDetected | ForeignKeyViolation)
