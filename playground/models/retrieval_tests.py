from typing import Self

from django.db import models

from accounts.models import UseCase, User
from blueprints.llm_settings import LLMSettings
from blueprints.settings import AnswerSettings
from config.ids import ID_LENGTH, IdField
from config.status import UNFINISHED, Status
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings


class RetrievalTestQuerySet(models.QuerySet["RetrievalTest"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(vector_database__use_case__in=UseCase.objects.visible_to(user))

    def unfinished(self) -> Self:
        return self.filter(status__in=UNFINISHED)


class RetrievalTest(models.Model):
    """A question put to the retriever alone, with one way of searching or two side by side."""

    id = IdField()
    vector_database = models.ForeignKey(
        VectorDatabase, models.CASCADE, related_name="retrieval_tests"
    )
    text = models.TextField()
    metadata_filter = models.JSONField(null=True)
    # ERROR: the job failed as a whole; what one side met with stands there.
    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    error_message = models.TextField(blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RetrievalTestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["vector_database", "created_by", "-created_at", "-id"],
                name="retrieval_test_newest",
            )
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED


class RetrievalSide(models.Model):
    """One way of searching, and what it found. Copies, as a prompt keeps them, not references."""

    test = models.ForeignKey(RetrievalTest, models.CASCADE, related_name="sides")
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=250)
    # What the form was filled in from: the id of a blueprint or of a trace, or "" for neither.
    source_id = models.CharField(max_length=ID_LENGTH, blank=True)
    # Whose context the passages must fit into; "" where the settings alone cap them.
    llm_id = models.CharField(max_length=150, blank=True)
    llm_settings = models.JSONField(default=dict)
    vector_database_id = models.CharField(max_length=ID_LENGTH)
    database_name = models.CharField(max_length=200)
    retrieval_settings = models.JSONField(default=dict)

    # Each with its text, in the order in which an answer would be given them.
    passages = models.JSONField(default=list)
    explain = models.JSONField(default=dict)
    error_message = models.TextField(blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["test", "position"], name="retrieval_side_position")
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def settings(self) -> AnswerSettings:
        return AnswerSettings(
            llm_id=self.llm_id or None,
            llm_settings=LLMSettings.from_json(self.llm_settings),
            vector_database_id=self.vector_database_id,
            retrieval_settings=RetrievalSettings.from_json(self.retrieval_settings),
        )
