from typing import Self

from django.db import models

from accounts.models import UseCase, User
from blueprints.models import BlueprintVersion
from config.ids import IdField
from config.status import Status


class LogKind(models.TextChoices):
    ANSWER = "answer", "Answer"
    REWRITE = "rewrite", "Rewrite"
    RETRIEVE = "retrieve", "Retrieve"
    GENERATE = "generate", "Generate"


class LogQuerySet(models.QuerySet["Log"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))


class Log(models.Model):
    """One call, of an LLM or a retriever, in the tree of the answer it belongs to.

    The root is the answer itself and holds the sums. What was sent and what came back is in
    LogPayload, so that lists stay small and a payload can be left out or expire alone.
    """

    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="logs")
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    kind = models.CharField(max_length=20, choices=LogKind)
    status = models.CharField(max_length=20, choices=Status, default=Status.RUNNING)
    error_message = models.TextField(blank=True)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    blueprint_version = models.ForeignKey(
        BlueprintVersion, models.SET_NULL, null=True, related_name="logs"
    )
    model_name = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # Milliseconds from started_at.
    first_token_ms = models.FloatField(null=True)
    latency_ms = models.FloatField(null=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    # US dollars; null where no price is known.
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True)

    objects = LogQuerySet.as_manager()

    class Meta:
        ordering = ["started_at", "id"]
        indexes = [
            models.Index(
                fields=["use_case", "-started_at", "-id"],
                condition=models.Q(parent=None),
                name="log_roots_newest",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class LogPayload(models.Model):
    log = models.OneToOneField(Log, models.CASCADE, primary_key=True, related_name="payload")
    inputs = models.JSONField(default=dict)
    output = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"payload of {self.log_id}"
