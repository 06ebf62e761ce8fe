"""The one exception whose message may be shown to whoever asked."""

from config.storable import storable


class AppError(Exception):
    """Something the user can act on: the message says what is wrong and what to do.

    `field` names the offending input in snake_case where there is one, so that each face can
    point at it in its own format.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        # It may quote a server elsewhere, and is often kept in a row.
        self.message = storable(message)
        self.field = field


class InvalidInput(AppError):
    """The request cannot be done as it was put (pages: inline; REST: 422)."""


class Conflict(AppError):
    """The request is fine but the object is not in a state for it (REST: 409)."""


class Forbidden(AppError):
    """The user may see the object but their role does not allow this (REST: 403)."""


class NotFound(AppError):
    """There is no such thing, or none that this user may see (404)."""


class Unavailable(AppError):
    """Nothing is wrong with the request, but who would do it is away (503)."""


class Crashed(AppError):
    """Nothing is wrong with the request: the server failed, and its log says how (500)."""
