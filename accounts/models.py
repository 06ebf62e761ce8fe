import hashlib
import secrets
from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils import timezone

from config.ids import IdField

SIGN_IN_LINK_LIFETIME = timedelta(hours=24)


def digest(secret: str) -> str:
    """What is stored of a token: these are 256 random bits, so no salt or slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True)

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        return (email or "").strip().lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.normalize_email(username))


class User(AbstractBaseUser, PermissionsMixin):
    id = IdField()
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    hides_first_steps = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return self.name or self.email.partition("@")[0]


def display_name_of(user: str) -> Coalesce:
    """The same in a query, of the user at this path of it."""
    address = models.Func(
        models.F(f"{user}__email"),
        models.Value("@"),
        models.Value(1),
        function="split_part",
        output_field=models.CharField(),
    )
    return Coalesce(NullIf(f"{user}__name", models.Value("")), address)


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"


EDITING_ROLES = (Role.OWNER, Role.EDITOR)


class UseCaseQuerySet(models.QuerySet["UseCase"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(memberships__user=user)

    def editable_by(self, user: User) -> Self:
        return self.filter(memberships__user=user, memberships__role__in=EDITING_ROLES)

    def owned_by(self, user: User) -> Self:
        return self.filter(memberships__user=user, memberships__role=Role.OWNER)


class UseCase(models.Model):
    """The unit of sharing: whatever belongs to one is seen by its members and by nobody else."""

    id = IdField()
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)
    members = models.ManyToManyField(User, through="Membership", related_name="use_cases")

    objects = UseCaseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["use_case", "user"], name="membership_unique"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.use_case}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> Self:
        """Neither revoked nor of a user who was deactivated."""
        return self.filter(revoked_at=None, user__is_active=True)

    def with_secret(self, secret: str) -> Self:
        return self.filter(digest=digest(secret))


class ApiToken(models.Model):
    """A secret for programs. Only its digest is kept; the secret is shown once."""

    id = IdField()
    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    # Where paths are looked up that programs name; none: in the user's oldest use case. A token for a
    # use case goes with it: what used it must not write elsewhere all at once.
    use_case = models.ForeignKey(UseCase, models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class SignInLinkQuerySet(models.QuerySet["SignInLink"]):
    def redeem(self, secret: str) -> "SignInLink | None":
        """Use the link up; None when it is unknown, used, too old, or its user was deactivated."""
        usable = self.filter(
            digest=digest(secret),
            used_at=None,
            expires_at__gt=timezone.now(),
            user__is_active=True,
        )
        link = usable.select_related("user").first()
        if link is None:
            return None
        # The conditional update decides between two browsers that open the link at once. It names
        # no other table: PostgreSQL would not look again at a sub-query after waiting for the row.
        taken = self.filter(pk=link.pk, used_at=None).update(used_at=timezone.now())
        return link if taken else None


def _link_expiry() -> datetime:
    return timezone.now() + SIGN_IN_LINK_LIFETIME


class SignInLink(models.Model):
    """A link that signs one person in once; `make run` prints one."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(default=_link_expiry)
    used_at = models.DateTimeField(null=True)

    objects = SignInLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"sign-in link of {self.user}"


def new_secret(prefix: str) -> str:
    """256 random bits behind a prefix that makes a leaked one easy to find."""
    return f"{prefix}{secrets.token_urlsafe(32)}"
