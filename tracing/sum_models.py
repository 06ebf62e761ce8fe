"""What many logs amount to, kept so that figures of a month do not count a million rows."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import UseCase
from config.ids import ID_LENGTH


class Step(models.TextChoices):
    HOUR = "hour", "hour"
    DAY = "day", "day"


def _use_case() -> models.ForeignKey[UseCase, UseCase]:
    # Without a constraint: the database notes hours also while all of a use case is deleted.
    return models.ForeignKey(
        UseCase, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )


class LogSum(models.Model):
    """The logs of an hour or a day, in UTC, that are alike in what figures tell apart: roots, and what
    programs may list. It holds for hours without a StaleHour, and for days that have no such hour.

    Durations are counted in `buckets`, as `counts`; see `durations`.
    """

    use_case = _use_case()
    step = models.CharField(max_length=4, choices=Step)
    start = models.DateTimeField()
    is_root = models.BooleanField()
    kind = models.CharField(max_length=20)
    status = models.CharField(max_length=20)
    # Keys, or "".
    blueprint_id = models.CharField(max_length=ID_LENGTH)
    blueprint_version_id = models.CharField(max_length=ID_LENGTH)
    file_id = models.CharField(max_length=ID_LENGTH)
    file_version_id = models.CharField(max_length=ID_LENGTH)
    model_name = models.CharField(max_length=200)

    count = models.BigIntegerField()
    input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    cost = models.DecimalField(max_digits=30, decimal_places=12, null=True)
    # How many logs were called so, and how often.
    good = models.BigIntegerField()
    bad = models.BigIntegerField()
    thumbs_up = models.BigIntegerField()
    thumbs_down = models.BigIntegerField()
    buckets = ArrayField(models.SmallIntegerField(), null=True)
    counts = ArrayField(models.BigIntegerField(), null=True)

    class Meta:
        indexes = [models.Index(fields=["use_case", "step", "start"], name="log_sum_in_time")]

    def __str__(self) -> str:
        return f"{self.count} logs of the {self.step} from {self.start:%Y-%m-%d %H:%M}"


class StaleHour(models.Model):
    """An hour in which a log came, went or changed since its sums were made. The database notes it with
    the change itself, more than once rather than not at all."""

    use_case = _use_case()
    hour = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["use_case", "hour"], name="stale_hour")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M}"
