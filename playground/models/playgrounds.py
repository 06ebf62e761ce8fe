from typing import Self

from django.db import models
from django.db.models import Q

from accounts.models import UseCase, User
from blueprints.models import Blueprint
from config.ids import IdField

HUES = 8


class PlaygroundQuerySet(models.QuerySet["Playground"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.editable_by(user))


class PlaygroundType(models.TextChoices):
    RAG = "rag", "Retrieval-augmented chat"
    AGENTIC = "agentic", "Agents"


class Playground(models.Model):
    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="playgrounds")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    playground_type = models.CharField(
        max_length=10, choices=PlaygroundType, default=PlaygroundType.RAG
    )
    # After each answer of a chat, its LLM is asked for questions that may follow.
    suggests_questions = models.BooleanField(default=False)
    blueprints = models.ManyToManyField(
        Blueprint, through="PlaygroundBlueprint", related_name="playgrounds"
    )
    # New blueprints begin with the settings of this one.
    pattern = models.ForeignKey(Blueprint, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    objects = PlaygroundQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class PlaygroundBlueprint(models.Model):
    """A blueprint's place in a playground, the starred ones before the others. The first playground that
    it was put into is its home."""

    playground = models.ForeignKey(Playground, models.CASCADE, related_name="places")
    blueprint = models.ForeignKey(Blueprint, models.CASCADE, related_name="places")
    position = models.PositiveIntegerField()
    # In which order they came, whatever order they are shown in: the colour stays with the blueprint.
    number = models.PositiveIntegerField()
    is_home = models.BooleanField(default=False)

    class Meta:
        ordering = ["-blueprint__is_starred", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["playground", "blueprint"], name="playground_blueprint_unique"
            ),
            models.UniqueConstraint(
                fields=["blueprint"],
                condition=Q(is_home=True),
                name="playground_blueprint_one_home",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.blueprint} in {self.playground}"

    @property
    def hue(self) -> int:
        """Which of the eight blueprint colours it is drawn in, from 1."""
        return self.number % HUES + 1


class Sample(models.Model):
    """The one record that the sample was begun here, so that nobody who deletes it gets it again."""

    use_case = models.OneToOneField(UseCase, models.SET_NULL, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="sample_only_one")]

    def __str__(self) -> str:
        return "the sample"
