from typing import Self

from django.db import models

from accounts.models import UseCase, User
from config.ids import ID_LENGTH, IdField
from config.status import Status
from vectordb.models import VectorDatabase


class GoldQuestionQuerySet(models.QuerySet["GoldQuestion"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))


class GoldQuestion(models.Model):
    """A question of which people know which passages help to answer it.

    It belongs to a family of vector databases: each version can be measured by it.
    """

    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="gold_questions")
    family_id = models.CharField(max_length=ID_LENGTH)
    text = models.TextField()
    # The SHA-256 of the text, which may be too long for an index.
    digest = models.CharField(max_length=64)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = GoldQuestionQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["family_id", "digest"], name="gold_question_unique")
        ]

    def __str__(self) -> str:
        return self.text[:60]


class GoldLabel(models.Model):
    """What one user says of one passage: whether it helps to answer the question.

    The passage is told by its place in the document, not by its chunk, so that the label holds
    however a version cuts its documents.
    """

    question = models.ForeignKey(GoldQuestion, models.CASCADE, related_name="labels")
    document_id = models.CharField(max_length=ID_LENGTH)
    # Part of the place: a file may hold many documents, whose offsets each begin at 0.
    document_name = models.CharField(max_length=500)
    page = models.IntegerField(null=True)
    # Offsets in the document's extracted text, in characters.
    start = models.BigIntegerField(db_column="start_offset")
    end = models.BigIntegerField(db_column="end_offset")
    text = models.TextField()
    is_relevant = models.BooleanField()
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["document_name", "start", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["question", "document_id", "document_name", "start", "end", "user"],
                name="gold_label_unique",
            )
        ]

    def __str__(self) -> str:
        return f"{'relevant' if self.is_relevant else 'not relevant'} by {self.user}"


class GoldMeasurement(models.Model):
    """A vector database's own answers to the gold questions of its family; the newest one counts."""

    id = IdField()
    vector_database = models.OneToOneField(
        VectorDatabase, models.CASCADE, related_name="gold_measurement"
    )
    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    error_message = models.TextField(blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"gold questions put to {self.vector_database}"


class GoldResult(models.Model):
    """The passages that a measurement found for one question, in the shape of citations."""

    measurement = models.ForeignKey(GoldMeasurement, models.CASCADE, related_name="results")
    question = models.ForeignKey(GoldQuestion, models.CASCADE, related_name="+")
    citations = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["measurement", "question"], name="gold_result_unique")
        ]

    def __str__(self) -> str:
        return f"passages for {self.question}"
