from django.db import models

from accounts.models import User
from playground.models.chats import ChatPrompt
from playground.models.comparisons import ComparisonPrompt


class Preference(models.Model):
    """Which answer to a question one person likes best; none of them is a tie."""

    question = models.ForeignKey(ComparisonPrompt, models.CASCADE, related_name="preferences")
    best = models.ForeignKey(ChatPrompt, models.CASCADE, null=True, related_name="preferred_by")
    # All that could be chosen when the choice was made: who joins later has lost nothing by it.
    candidates = models.ManyToManyField(ChatPrompt, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["question", "user"], name="preference_unique")
        ]

    def __str__(self) -> str:
        return f"{self.best or 'a tie'}, says {self.user}"
