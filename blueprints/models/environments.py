"""Which version of a blueprint, flow or tool programs get that ask for none."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import UseCase, User
from blueprints.models.blueprints import Blueprint, BlueprintVersion
from blueprints.models.files import File, FileVersion
from config.ids import IdField

PRODUCTION = "production"
STAGING = "staging"


class EnvironmentQuerySet(models.QuerySet["Environment"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))


class Environment(models.Model):
    """A use case has one that is the default, from its beginning."""

    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="environments")
    name = models.CharField(max_length=100)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EnvironmentQuerySet.as_manager()

    class Meta:
        ordering = ["-is_default", "created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["use_case", "name"], name="environment_name_unique"),
            models.UniqueConstraint(
                fields=["use_case"],
                condition=Q(is_default=True),
                name="environment_one_default",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Deployment(models.Model):
    """The version of one blueprint, or of one other file, that an environment has."""

    id = IdField()
    environment = models.ForeignKey(Environment, models.CASCADE, related_name="deployments")
    blueprint = models.ForeignKey(Blueprint, models.CASCADE, null=True, related_name="deployments")
    version = models.ForeignKey(
        BlueprintVersion, models.CASCADE, null=True, related_name="deployments"
    )
    file = models.ForeignKey(File, models.CASCADE, null=True, related_name="deployments")
    file_version = models.ForeignKey(
        FileVersion, models.CASCADE, null=True, related_name="deployments"
    )
    deployed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    deployed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "blueprint"], name="deployment_of_blueprint_unique"
            ),
            models.UniqueConstraint(
                fields=["environment", "file"], name="deployment_of_file_unique"
            ),
            models.CheckConstraint(
                condition=Q(
                    blueprint__isnull=False,
                    version__isnull=False,
                    file=None,
                    file_version=None,
                )
                | Q(
                    blueprint=None,
                    version=None,
                    file__isnull=False,
                    file_version__isnull=False,
                ),
                name="deployment_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version or self.file_version} in {self.environment}"


class DeploymentChange(models.Model):
    """One step of what an environment had of a blueprint or file: never changed, so that it can be gone
    back to.

    Without a number something was taken out. The number outlives the version that it is of.
    """

    id = IdField()
    environment = models.ForeignKey(Environment, models.CASCADE, related_name="changes")
    blueprint = models.ForeignKey(
        Blueprint, models.CASCADE, null=True, related_name="deployment_changes"
    )
    version = models.ForeignKey(BlueprintVersion, models.SET_NULL, null=True, related_name="+")
    file = models.ForeignKey(File, models.CASCADE, null=True, related_name="deployment_changes")
    file_version = models.ForeignKey(FileVersion, models.SET_NULL, null=True, related_name="+")
    number = models.PositiveIntegerField(null=True)
    is_roll_back = models.BooleanField(default=False)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(blueprint__isnull=False, file=None, file_version=None)
                | Q(blueprint=None, version=None, file__isnull=False),
                name="deployment_change_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        told = "nothing" if self.number is None else f"v{self.number}"
        return f"{told} in {self.environment}"

    @property
    def version_key(self) -> str | None:
        """Of the version that was deployed; None where it is gone, or nothing was."""
        return self.version_id or self.file_version_id
