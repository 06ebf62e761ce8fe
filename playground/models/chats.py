from functools import cached_property
from typing import Self

from django.db import models
from django.db.models import Q

from accounts.models import UseCase, User
from blueprints.models import LLM, Blueprint, BlueprintVersion, PromptType
from config.ids import ID_LENGTH, IdField
from config.status import UNFINISHED, Status
from playground.models.comparisons import ComparisonChat, ComparisonPrompt
from playground.models.playgrounds import Playground
from tracing.models import Log
from vectordb.models import VectorDatabase


class ChatQuerySet(models.QuerySet["Chat"]):
    def visible_to(self, user: User) -> Self:
        return self.watchable_by(user).conversations()

    def editable_by(self, user: User) -> Self:
        editable = UseCase.objects.editable_by(user)
        return self.filter(playground__use_case__in=editable).conversations()

    def watchable_by(self, user: User) -> Self:
        """Columns of comparisons too, whose answers are streamed like those of others."""
        return self.filter(playground__use_case__in=UseCase.objects.visible_to(user))

    def conversations(self) -> Self:
        """Without the columns of comparisons, which are shown only as part of these."""
        return self.filter(comparison=None)


class Chat(models.Model):
    """A conversation with one blueprint.

    The four nullable settings are the chat's own; where one is null the blueprint's holds.
    """

    id = IdField()
    playground = models.ForeignKey(Playground, models.CASCADE, related_name="chats")
    blueprint = models.ForeignKey(Blueprint, models.CASCADE, related_name="chats")
    name = models.CharField(max_length=200)
    is_frozen = models.BooleanField(default=False)
    comparison = models.ForeignKey(
        ComparisonChat, models.CASCADE, null=True, related_name="columns"
    )
    # What was deleted since is still named: the chat's next question says so, rather than to be
    # answered by something else.
    llm = models.ForeignKey(
        LLM, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    llm_settings = models.JSONField(null=True)
    vector_database = models.ForeignKey(
        VectorDatabase, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    retrieval_settings = models.JSONField(null=True)
    # What its next questions search is narrowed by this.
    metadata_filter = models.JSONField(null=True)
    # The chat that this one was branched from, while it is there.
    origin = models.ForeignKey("self", models.SET_NULL, null=True, related_name="branches")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ChatQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["comparison", "blueprint"], name="chat_one_column")
        ]

    def __str__(self) -> str:
        return self.name


class ChatPromptQuerySet(models.QuerySet["ChatPrompt"]):
    def visible_to(self, user: User) -> Self:
        """Without the results of comparisons: these are reached through their comparison. Their chats
        are told apart, not they, so that an index is all it takes to count a chat's prompts."""
        visible = UseCase.objects.visible_to(user)
        return self.filter(chat__playground__use_case__in=visible, chat__comparison=None)

    def results_visible_to(self, user: User) -> Self:
        """Those of comparisons, other than of single ones, which have no page."""
        chats = ComparisonChat.objects.visible_to(user)
        return self.filter(comparison_prompt__chat__in=chats)

    def editable_by(self, user: User) -> Self:
        editable = UseCase.objects.editable_by(user)
        return self.filter(chat__playground__use_case__in=editable, comparison_prompt=None)

    def unfinished(self) -> Self:
        return self.filter(status__in=UNFINISHED)

    def current(self) -> Self:
        """Of each question the newest version of its answer, which the chat goes on from."""
        return self.filter(is_superseded=False)

    def before(self, prompt: "ChatPrompt") -> Self:
        earlier = Q(created_at__lt=prompt.created_at)
        return self.filter(earlier | Q(created_at=prompt.created_at, pk__lt=prompt.pk))

    def newest(self) -> "ChatPrompt | None":
        return self.order_by("-created_at", "-id").first()


class ChatPrompt(models.Model):
    """A question and its answer, with the settings as they were when it was asked."""

    id = IdField()
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="prompts")
    comparison_prompt = models.ForeignKey(
        ComparisonPrompt, models.CASCADE, null=True, related_name="results", db_index=False
    )
    text = models.TextField()
    # Prompts of one context see each other as history; a change of prompt type starts a new one.
    context_id = models.CharField(max_length=ID_LENGTH)
    prompt_type = models.CharField(max_length=20, choices=PromptType)
    # The versions of one question's answer share it; "" where there is only one.
    question_id = models.CharField(max_length=ID_LENGTH, blank=True)
    is_superseded = models.BooleanField(default=False)
    # In a branch: the prompt that this is a copy of. An id, so that the copy outlives it.
    copy_of = models.CharField(max_length=ID_LENGTH, blank=True)
    history_ids = models.JSONField(default=list)
    blueprint_version = models.ForeignKey(
        BlueprintVersion, models.SET_NULL, null=True, related_name="prompts"
    )
    # Copies, not references: a prompt never changes when what it used is renamed or deleted.
    llm_id = models.CharField(max_length=150)
    llm_settings = models.JSONField(default=dict)
    prompt_details = models.JSONField(default=dict)
    vector_database_id = models.CharField(max_length=ID_LENGTH, null=True)  # noqa: DJ001 - an id
    retrieval_settings = models.JSONField(null=True)
    metadata_filter = models.JSONField(null=True)
    # To read them with the prompt, where they are still there.
    llm = models.ForeignObject(
        LLM, models.DO_NOTHING, ["llm_id"], ["id"], null=True, related_name="+"
    )
    vector_database = models.ForeignObject(
        VectorDatabase,
        models.DO_NOTHING,
        ["vector_database_id"],
        ["id"],
        null=True,
        related_name="+",
    )

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
    # What was asked in the text's place, where a guard replaced it.
    asked_text = models.TextField(blank=True)
    # What was said instead of the answer; set only where the answer was withheld.
    blocked_text = models.TextField(blank=True)
    # How far the answer is the sources' own words: rouge, meteor and bleu, each 0 to 1.
    confidence_scores = models.JSONField(null=True)
    # One object for each of its statements, as support.scores has them; null until measured.
    sentence_support = models.JSONField(null=True)
    support_due = models.BooleanField(default=False, db_default=False)
    # Questions that may follow; null where nobody asked for any, or until they are there.
    suggested_questions = models.JSONField(null=True)
    # One object each, with the names of serializers.MetricSerializer.
    metrics = models.JSONField(default=list)
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
            models.Index(
                fields=["finished_at"],
                condition=Q(support_due=True),
                name="chat_prompt_support_due",
            ),
            models.Index(
                fields=["comparison_prompt"],
                condition=Q(comparison_prompt__isnull=False),
                name="chat_prompt_compared",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED

    def other_versions(self) -> ChatPromptQuerySet:
        """Of the answer to this question."""
        if not self.question_id:
            return ChatPrompt.objects.none()
        versions = ChatPrompt.objects.filter(chat=self.chat_id, question_id=self.question_id)
        return versions.exclude(pk=self.pk)

    # Lists know these three by themselves.

    @cached_property
    def blueprint_id(self) -> str:
        return self.chat.blueprint_id

    @cached_property
    def asker_name(self) -> str:
        return self.created_by.display_name

    @cached_property
    def marks(self) -> list["Feedback"]:
        """What everybody thinks of the answer."""
        return list(self.feedback.all())


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
