from typing import Self

from django.db import models

from accounts.models import UseCase, User
from blueprints.models import Blueprint
from config.ids import IdField
from playground.models.playgrounds import Playground


class ComparisonChatQuerySet(models.QuerySet["ComparisonChat"]):
    def visible_to(self, user: User) -> Self:
        """Without those that hold a single comparison: nobody made them."""
        visible = UseCase.objects.visible_to(user)
        return self.filter(playground__use_case__in=visible, is_hidden=False)


class ComparisonChat(models.Model):
    """A conversation with several blueprints at once: a hidden chat, its column, for each."""

    id = IdField()
    playground = models.ForeignKey(Playground, models.CASCADE, related_name="comparison_chats")
    name = models.CharField(max_length=200, blank=True)
    # Made for one comparison that was asked for outside of any.
    is_hidden = models.BooleanField(default=False)
    # Who is asked next, and whose column is shown; columns of others are kept.
    blueprints = models.ManyToManyField(Blueprint, related_name="+")
    # Until they have voted on a question, nobody sees who gave which of its answers.
    is_blind = models.BooleanField(default=False)
    # Counts what pages that show it have to know of: questions, columns, votes.
    revision = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ComparisonChatQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class ComparisonPromptQuerySet(models.QuerySet["ComparisonPrompt"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(chat__playground__use_case__in=UseCase.objects.visible_to(user))


class ComparisonPrompt(models.Model):
    """A question to several blueprints. Its `results` are chat prompts, one for each of them."""

    id = IdField()
    chat = models.ForeignKey(ComparisonChat, models.CASCADE, related_name="prompts")
    text = models.TextField()
    metadata_filter = models.JSONField(null=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ComparisonPromptQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.text[:60]
