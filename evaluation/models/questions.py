"""Questions that are asked again and again, to see which blueprint answers them best."""

from typing import Self

from django.db import models

from accounts.models import UseCase, User
from config.ids import IdField
from tracing.models import Log


class QuestionSetQuerySet(models.QuerySet["QuestionSet"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))


class QuestionSet(models.Model):
    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="question_sets")
    name = models.CharField(max_length=200)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = QuestionSetQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["use_case", "name"], name="question_set_name_unique")
        ]

    def __str__(self) -> str:
        return self.name


class QuestionQuerySet(models.QuerySet["Question"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(question_set__use_case__in=UseCase.objects.visible_to(user))


class Question(models.Model):
    """A test case. `expected_answer` may be empty; `log` is the call that it was taken from."""

    id = IdField()
    question_set = models.ForeignKey(QuestionSet, models.CASCADE, related_name="questions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    expected_answer = models.TextField(blank=True)
    log = models.ForeignKey(Log, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["question_set", "number"], name="question_number_unique"
            )
        ]

    def __str__(self) -> str:
        return self.text[:80]
