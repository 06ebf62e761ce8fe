"""Logs that belong together, by whatever blueprints and tools they came about."""

from django.utils import timezone

from accounts.models import UseCase, User
from accounts.services import require_editor
from config.errors import InvalidInput, NotFound
from tracing.models import LONGEST_NAME, Log, Session

PREFIX = "sesh_"


def create_session(use_case: UseCase, *, user: User) -> Session:
    """One without a log yet."""
    require_editor(use_case, user)
    return Session.objects.create(use_case=use_case)


def session_named(use_case: UseCase, public_id: str) -> Session:
    """Raises NotFound for what is none of this use case's."""
    found = use_case.sessions.filter(pk=public_id.removeprefix(PREFIX)).first()
    if found is None:
        raise NotFound(f"There is no session {public_id} here: leave it out to begin a new one.")
    return found


def session_referred_to(use_case: UseCase, *, user: User, reference_id: str) -> Session:
    """The session that its caller calls this; it comes into being with its first log."""
    require_editor(use_case, user)
    if not reference_id or len(reference_id) > LONGEST_NAME:
        raise InvalidInput(
            f"A reference of 1 to {LONGEST_NAME} characters, please.", field="session_reference_id"
        )
    session, _ = Session.objects.get_or_create(use_case=use_case, reference_id=reference_id)
    return session


def session_of(parent: Log | None, session: Session | None) -> Session | None:
    """That of a log below this parent: its parent's, if it names none. Raises InvalidInput where the
    two contradict each other."""
    if parent is None or parent.session_id is None:
        return session
    if session is not None and session.pk != parent.session_id:
        raise InvalidInput(
            "The log is in another session than its parent: name the same one, or none.",
            field="session_id",
        )
    return parent.session


def note_change(session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(updated_at=timezone.now())
