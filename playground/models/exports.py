from typing import Self

from django.db import models

from accounts.models import UseCase, User
from config.ids import IdField
from config.status import Status
from playground.models.playgrounds import Playground
from vectordb.models import Dataset


class TraceExportQuerySet(models.QuerySet["TraceExport"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(playground__use_case__in=UseCase.objects.visible_to(user))


class TraceExport(models.Model):
    """A job that writes what was asked in a playground into a new dataset."""

    id = IdField()
    playground = models.ForeignKey(Playground, models.CASCADE, related_name="trace_exports")
    dataset = models.ForeignKey(Dataset, models.SET_NULL, null=True, related_name="+")
    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    error_message = models.TextField(blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TraceExportQuerySet.as_manager()

    def __str__(self) -> str:
        return f"traces of {self.playground}"
