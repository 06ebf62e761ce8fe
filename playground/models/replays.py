from typing import Any, Self

from django.db import models

from accounts.models import User
from config.ids import IdField
from config.status import UNFINISHED, Status
from playground.models.chats import ChatPrompt
from tracing.models import Log


class ReplayQuerySet(models.QuerySet["Replay"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(prompt__in=ChatPrompt.objects.visible_to(user))

    def unfinished(self) -> Self:
        return self.filter(status__in=UNFINISHED)


class Replay(models.Model):
    """Another answer to a question, beside its chat: from the very messages and passages of the first
    one, or (not `is_exact`) from what a search finds today. It is nobody's history."""

    id = IdField()
    prompt = models.ForeignKey(ChatPrompt, models.CASCADE, related_name="replays")
    is_exact = models.BooleanField()
    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    result_text = models.TextField(blank=True)
    citations: Any = models.JSONField(default=list)
    finish_reason = models.CharField(max_length=30, blank=True)
    error_message = models.TextField(blank=True)
    latency_ms = models.FloatField(null=True)
    first_token_ms = models.FloatField(null=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    tokens_estimated = models.BooleanField(default=False)
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True)
    log = models.OneToOneField(Log, models.SET_NULL, null=True, related_name="replay")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReplayQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"Replay of {self.prompt}"

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED

    @property
    def vector_database_id(self) -> str | None:
        return self.prompt.vector_database_id
