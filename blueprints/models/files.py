"""What programs record their work under, besides blueprints: flows, tools, evaluators. And the
directories of all of these."""

from typing import Self

from django.db import models

from accounts.models import UseCase, User
from config.ids import IdField

LONGEST_PATH = 250


class FileKind(models.TextChoices):
    FLOW = "flow", "Flow"
    TOOL = "tool", "Tool"
    EVALUATOR = "evaluator", "Evaluator"


class DirectoryQuerySet(models.QuerySet["Directory"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))


class Directory(models.Model):
    """What paths begin with, up to one of their slashes. It comes with the first path below it, and
    goes when somebody deletes it."""

    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="directories")
    path = models.CharField(max_length=LONGEST_PATH)
    description = models.TextField(blank=True)
    readme = models.TextField(blank=True)
    tags = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DirectoryQuerySet.as_manager()

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(fields=["use_case", "path"], name="directory_path_unique")
        ]

    def __str__(self) -> str:
        return self.path


class FileQuerySet(models.QuerySet["File"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))


class File(models.Model):
    """Its path is its own among all files and blueprints of the use case."""

    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="files")
    kind = models.CharField(max_length=20, choices=FileKind)
    path = models.CharField(max_length=LONGEST_PATH)
    description = models.TextField(blank=True)
    readme = models.TextField(blank=True)
    tags = models.JSONField(default=list)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = FileQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["use_case", "path"], name="file_path_unique")
        ]

    def __str__(self) -> str:
        return self.path


class FileVersion(models.Model):
    """An immutable content, found by its hash; only its name and description may change."""

    id = IdField()
    file = models.ForeignKey(File, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    content = models.JSONField(default=dict)
    name = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["file", "content_hash"], name="file_version_content_unique"
            ),
            models.UniqueConstraint(fields=["file", "number"], name="file_version_number_unique"),
            models.UniqueConstraint(
                fields=["file", "name"],
                condition=~models.Q(name=""),
                name="file_version_name_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file} v{self.number}"
