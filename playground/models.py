from typing import Self

from django.db import models
from django.db.models import Q

from accounts.models import UseCase, User
from blueprints.models import LLM, Blueprint, BlueprintVersion, PromptType
from config.ids import ID_LENGTH, IdField
from config.status import UNFINISHED, Status
from tracing.models import Log
from vectordb.models import VectorDatabase

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
    blueprints = models.ManyToManyField(
        Blueprint, through="PlaygroundBlueprint", related_name="playgrounds"
    )
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
    """A blueprint's place in a playground. The first one it was put into is its home."""

    playground = models.ForeignKey(Playground, models.CASCADE, related_name="places")
    blueprint = models.ForeignKey(Blueprint, models.CASCADE, related_name="places")
    position = models.PositiveIntegerField()
    is_home = models.BooleanField(default=False)

    class Meta:
        ordering = ["position", "pk"]
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
        return self.position % HUES + 1


class ChatQuerySet(models.QuerySet["Chat"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(playground__use_case__in=UseCase.objects.visible_to(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(playground__use_case__in=UseCase.objects.editable_by(user))


class Chat(models.Model):
    """A conversation with one blueprint.

    The four nullable settings are the chat's own; where one is null the blueprint's holds.
    """

    id = IdField()
    playground = models.ForeignKey(Playground, models.CASCADE, related_name="chats")
    blueprint = models.ForeignKey(Blueprint, models.CASCADE, related_name="chats")
    name = models.CharField(max_length=200)
    is_frozen = models.BooleanField(default=False)
    llm = models.ForeignKey(LLM, models.SET_NULL, null=True, related_name="+")
    llm_settings = models.JSONField(null=True)
    vector_database = models.ForeignKey(
        VectorDatabase, models.SET_NULL, null=True, related_name="+"
    )
    retrieval_settings = models.JSONField(null=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ChatQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class ChatPromptQuerySet(models.QuerySet["ChatPrompt"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(chat__playground__use_case__in=UseCase.objects.visible_to(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(chat__playground__use_case__in=UseCase.objects.editable_by(user))

    def unfinished(self) -> Self:
        return self.filter(status__in=UNFINISHED)


class ChatPrompt(models.Model):
    """A question and its answer, with the settings as they were when it was asked."""

    id = IdField()
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="prompts")
    text = models.TextField()
    # Prompts of one context see each other as history; a change of prompt type starts a new one.
    context_id = models.CharField(max_length=ID_LENGTH)
    prompt_type = models.CharField(max_length=20, choices=PromptType)
    history_ids = models.JSONField(default=list)
    blueprint_version = models.ForeignKey(
        BlueprintVersion, models.SET_NULL, null=True, related_name="prompts"
    )
    # Copies, not references: a prompt never changes when what it used is renamed or deleted.
    llm_id = models.CharField(max_length=150)
    llm_settings = models.JSONField(default=dict)
    vector_database_id = models.CharField(max_length=ID_LENGTH, null=True)  # noqa: DJ001 - an id
    retrieval_settings = models.JSONField(null=True)
    metadata_filter = models.JSONField(null=True)

    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    # Counts the times that a worker began this answer; a later one overrules an earlier one.
    attempt = models.PositiveIntegerField(default=0)
    stop_requested = models.BooleanField(default=False)
    result_text = models.TextField(blank=True)
    finish_reason = models.CharField(max_length=30, blank=True)
    error_message = models.TextField(blank=True)
    citations = models.JSONField(default=list)
    final_prompt = models.JSONField(null=True)
    provider_guards = models.JSONField(null=True)
    # Milliseconds from the moment a worker began; null until known.
    latency_ms = models.FloatField(null=True)
    first_token_ms = models.FloatField(null=True)
    retrieval_ms = models.FloatField(null=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    tokens_estimated = models.BooleanField(default=False)
    docs_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True)
    log = models.OneToOneField(Log, models.SET_NULL, null=True, related_name="chat_prompt")

    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = ChatPromptQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["chat", "created_at", "id"], name="chat_prompt_in_order"),
            models.Index(
                fields=["status"],
                condition=Q(status__in=[str(status) for status in UNFINISHED]),
                name="chat_prompt_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED


class Feedback(models.Model):
    """One user's thumb on one answer; no row means no opinion."""

    prompt = models.ForeignKey(ChatPrompt, models.CASCADE, related_name="feedback")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    is_positive = models.BooleanField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prompt", "user"], name="feedback_unique")]

    def __str__(self) -> str:
        return f"{'up' if self.is_positive else 'down'} by {self.user}"


class Sample(models.Model):
    """The one record that the sample was begun here, so that nobody who deletes it gets it again."""

    use_case = models.OneToOneField(UseCase, models.SET_NULL, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="sample_only_one")]

    def __str__(self) -> str:
        return "the sample"
