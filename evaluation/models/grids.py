from typing import Self

from django.db import models

from accounts.models import UseCase, User
from config.ids import IdField
from evaluation.models.runs import EvaluationRun


class GridQuerySet(models.QuerySet["Grid"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(run__playground__use_case__in=UseCase.objects.visible_to(user))


class Grid(models.Model):
    """Many questions to many blueprints, shown as a table. It is its run that asks: a column for each
    of the run's chats, a row for each number of their rows."""

    id = IdField()
    run = models.OneToOneField(EvaluationRun, models.CASCADE, related_name="grid")
    name = models.CharField(max_length=200)

    objects = GridQuerySet.as_manager()

    class Meta:
        ordering = ["-run__created_at", "-id"]

    def __str__(self) -> str:
        return self.name
