"""Where long work stands. One vocabulary for documents, databases and answers."""

from django.db import models


class Status(models.TextChoices):
    NEW = "NEW", "waiting"
    RUNNING = "RUNNING", "running"
    COMPLETED = "COMPLETED", "done"
    ERROR = "ERROR", "failed"
    # The GenAI API knows two more words for prompts; nothing here sets them yet.
    REQUIRES_USER_INPUT = "REQUIRES_USER_INPUT", "needs input"
    SKIPPED = "SKIPPED", "skipped"
    CANCELLED = "CANCELLED", "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in UNFINISHED


UNFINISHED = (Status.NEW, Status.RUNNING)
