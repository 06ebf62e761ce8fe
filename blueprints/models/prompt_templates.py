"""Texts with variables, which belong to nobody but their maker."""

from typing import Self

from django.db import models

from accounts.models import User
from config.ids import IdField


class PromptTemplateQuerySet(models.QuerySet["PromptTemplate"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(created_by=user)


class PromptTemplate(models.Model):
    """A text with variables, kept in versions. It stands in no use case: it is its maker's own."""

    id = IdField()
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    objects = PromptTemplateQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class PromptTemplateVersion(models.Model):
    """Never changed. `variables` holds a name, a type and a description for each."""

    id = IdField()
    template = models.ForeignKey(PromptTemplate, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    variables = models.JSONField(default=list)
    comment = models.TextField(blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["template", "number"], name="prompt_template_version_number_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"
