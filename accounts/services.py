"""What can be done with users, use cases, members and tokens."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from accounts.models import (
    EDITING_ROLES,
    ApiToken,
    Membership,
    Role,
    SignInLink,
    UseCase,
    User,
    digest,
    new_secret,
)
from config.compiled import Compiled, given
from config.errors import Conflict, Forbidden, InvalidInput, NotFound

TOKEN_PREFIX = "gw_"  # noqa: S105 - marks a token as ours, is none itself
_LAST_USED_RESOLUTION = timedelta(minutes=1)


@transaction.atomic
def create_use_case(*, user: User, name: str = "", description: str = "") -> UseCase:
    """A new use case that `user` owns."""
    if not name.strip():
        name = f"Untitled Use Case {timezone.now():%Y-%m-%d %H:%M:%S}"
    use_case = UseCase.objects.create(
        name=name, description=description, created_by=user, updated_by=user
    )
    Membership.objects.create(use_case=use_case, user=user, role=Role.OWNER)
    return use_case


def update_use_case(use_case: UseCase, *, user: User, **changes: str) -> UseCase:
    """Change `name`, which may not be blank, and `description`; needs an editing role."""
    require_editor(use_case, user)
    if not changes.get("name", use_case.name).strip():
        raise InvalidInput("A use case needs a name.", field="name")
    for field in ("name", "description"):
        if field in changes:
            setattr(use_case, field, changes[field])
    use_case.updated_by = user
    use_case.save(force_update=True)  # one that was deleted meanwhile stays so
    return use_case


_MEMBERSHIP = Compiled(
    lambda: Membership.objects.filter(use_case=given("use_case"), user=given("user"))
)
_TOKEN = Compiled(
    lambda: ApiToken.objects.usable().filter(digest=given("digest")).select_related("user")
)
_OWN_USE_CASE = Compiled(
    lambda: UseCase.objects.filter(pk=given("id"), memberships__user=given("user"))
)
_OLDEST_USE_CASE = Compiled(
    lambda: UseCase.objects.filter(memberships__user=given("user")).order_by("created_at", "pk")
)


def role_of(use_case: UseCase, user: User) -> Role | None:
    membership = _MEMBERSHIP.first(use_case=use_case.pk, user=user.pk)
    return Role(membership.role) if membership else None


def require_editor(use_case: UseCase, user: User) -> None:
    """Raise Forbidden for a viewer. Whoever may not even see the use case never gets here."""
    require_editing(role_of(use_case, user))


def require_editing(role: Role | str | None) -> None:
    """As `require_editor`, of a role that was read already."""
    if role not in EDITING_ROLES:
        raise Forbidden("You may look at this use case but not change it: ask an owner for a role.")


def require_owner(use_case: UseCase, user: User) -> None:
    if role_of(use_case, user) is not Role.OWNER:
        raise Forbidden("Only an owner of this use case can do that.")


def share(use_case: UseCase, *, by: User, email: str, role: Role) -> Membership:
    """Give a user a role in the use case; the user must exist. Only owners share."""
    require_owner(use_case, by)
    user = User.objects.filter(email=User.objects.normalize_email(email), is_active=True).first()
    if user is None:
        raise InvalidInput("There is no user with this email address here.", field="email")
    if role is not Role.OWNER:
        _keep_an_owner(use_case, user)
    membership, _ = Membership.objects.update_or_create(
        use_case=use_case, user=user, defaults={"role": role}
    )
    return membership


def unshare(use_case: UseCase, *, by: User, member: User) -> None:
    """Take a member out. Owners remove anyone, everyone may leave, one owner always stays."""
    if by != member:
        require_owner(use_case, by)
    _keep_an_owner(use_case, member)
    Membership.objects.filter(use_case=use_case, user=member).delete()


def _keep_an_owner(use_case: UseCase, leaving: User) -> None:
    owners = Membership.objects.filter(use_case=use_case, role=Role.OWNER)
    if owners.filter(user=leaving).exists() and owners.count() == 1:
        raise Conflict("A use case needs an owner: make somebody else one first.")


def create_token(*, user: User, name: str, use_case: UseCase | None = None) -> tuple[ApiToken, str]:
    """A new API token and its secret, which cannot be read again later. Paths that programs name
    with it are looked up in `use_case`."""
    secret = new_secret(TOKEN_PREFIX)
    token = ApiToken.objects.create(
        user=user,
        use_case=use_case,
        name=name.strip() or "API token",
        prefix=secret[:10],
        digest=digest(secret),
    )
    return token, secret


def use_case_of(token: ApiToken) -> UseCase:
    """The use case that a program addresses with this token: the token's own, else its user's oldest.

    Raises NotFound where there is none, or the user is no longer a member of the token's.
    """
    own: str | None = token.use_case_id
    if own is not None:
        use_case = _OWN_USE_CASE.first(id=own, user=token.user_id)
    else:
        use_case = _OLDEST_USE_CASE.first(user=token.user_id)
    if use_case is None:
        raise NotFound("This token belongs to no use case that you are in: make a new token.")
    return use_case


def revoke_token(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def authenticate_token(secret: str) -> ApiToken | None:
    """The usable token with this secret, or None. Notes its use, to the minute."""
    token = _TOKEN.first(digest=digest(secret))
    if token is None:
        return None
    now = timezone.now()
    # A write for every request would cost a commit each; a minute is exact enough.
    if token.last_used_at is None or now - token.last_used_at > _LAST_USED_RESOLUTION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def create_sign_in_link(user: User) -> str:
    """The secret of a new one-time link for this user."""
    secret = new_secret("")
    SignInLink.objects.create(user=user, digest=digest(secret))
    return secret


def sign_in_path(secret: str) -> str:
    """Where a browser redeems the link with this secret."""
    return f"/sign-in/link/{secret}/"


def ensure_user(email: str) -> User:
    """The active user with this address, made without a password when there is none.

    For operators at the command line. Raises InvalidInput for an address that is none, and
    Conflict for a user who was deactivated.
    """
    email = User.objects.normalize_email(email)
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidInput("This is not an email address.", field="email") from None
    user = User.objects.filter(email=email).first() or User.objects.create_user(email)
    if not user.is_active:
        raise Conflict("This user was deactivated: activate them first.")
    return user


def ensure_use_case(*, user: User, name: str) -> UseCase:
    """The newest use case with this name that the user owns, made when there is none."""
    owned = UseCase.objects.owned_by(user).filter(name=name).first()
    return owned or create_use_case(user=user, name=name)
