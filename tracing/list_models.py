"""What a use case keeps about its list of logs: views of it, and for how long logs stay."""

from typing import Self

from django.db import models
from django.db.models import Q

from accounts.models import UseCase, User
from config.ids import IdField

LONGEST_QUERY = 4_000
LONGEST_VIEW_NAME = 100


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))


class SavedView(models.Model):
    """A filter of the list under a name, for all members of the use case."""

    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="log_views")
    name = models.CharField(max_length=LONGEST_VIEW_NAME)
    # As in the address of the list.
    query = models.CharField(max_length=LONGEST_QUERY, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["use_case", "name"], name="saved_view_name_unique")
        ]

    def __str__(self) -> str:
        return self.name


class Retention(models.Model):
    """For how many days a use case keeps logs, and what was sent and came back; null: for ever."""

    use_case = models.OneToOneField(
        UseCase, models.CASCADE, primary_key=True, related_name="retention"
    )
    payload_days = models.PositiveIntegerField(null=True)
    log_days = models.PositiveIntegerField(null=True)
    updated_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)
    # What the last run did.
    last_run_at = models.DateTimeField(null=True)
    deleted_payloads = models.PositiveBigIntegerField(default=0)
    deleted_logs = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(payload_days=None) | Q(payload_days__gte=1))
                & (Q(log_days=None) | Q(log_days__gte=1)),
                name="retention_of_a_day_or_more",
            )
        ]

    def __str__(self) -> str:
        return f"retention of {self.use_case}"
