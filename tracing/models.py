import re
from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import UseCase, User
from blueprints.models import Blueprint, BlueprintVersion, File, FileVersion
from config.ids import IdField
from config.status import Status
from config.storable import storable
from tracing.list_models import Retention, SavedView
from tracing.log_indexes import LISTS
from tracing.sum_models import LogSum, StaleHour

__all__ = ["LogSum", "Retention", "SavedView", "StaleHour"]  # Django looks for them here

LONGEST_NAME = 200  # of what callers name: ids, references, sources, users
_MADE_ID = re.compile(r"(?:log|data)_([0-9a-f]{24})")


def made_pk(public_id: str) -> str | None:
    """The key of the log whose id this is, where it is not one that somebody chose."""
    made = _MADE_ID.fullmatch(public_id)
    return made[1] if made else None


class LogKind(models.TextChoices):
    """An answer is a call of a blueprint, by whatever way; its steps are found in it alone."""

    ANSWER = "answer", "Answer"
    REWRITE = "rewrite", "Rewrite"
    RETRIEVE = "retrieve", "Retrieve"
    GENERATE = "generate", "Generate"
    FLOW = "flow", "Flow"
    TOOL = "tool", "Tool"
    EVALUATOR = "evaluator", "Evaluator"


# What a program may list, change and nest others under.
FILE_KINDS = (LogKind.ANSWER, LogKind.FLOW, LogKind.TOOL, LogKind.EVALUATOR)


class Face(models.TextChoices):
    """The way by which a call came."""

    CHAT = "chat", "Chat"
    PROMPTS = "prompts", "Prompt API"
    SESSIONS = "sessions", "Prompt API, version 4"
    COMPLETIONS = "completions", "Chat completions API"
    PAGES = "pages", "Prompt editor"


# What these know of a call is in the inputs of its payload, where others have the template's.
ASKING_FACES = (Face.CHAT, Face.COMPLETIONS)


class LogStatus(models.TextChoices):
    """Whether more is expected of a log: a flow's is incomplete until it is said to be complete."""

    COMPLETE = "complete", "Complete"
    INCOMPLETE = "incomplete", "Incomplete"


class SessionQuerySet(models.QuerySet["Session"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))


class Session(models.Model):
    """Logs that belong together, of any blueprints and tools. `reference_id` is the caller's own."""

    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="sessions")
    reference_id = models.CharField(max_length=LONGEST_NAME, null=True)  # noqa: DJ001 - unique
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["use_case", "reference_id"], name="session_reference_unique"
            )
        ]

    def __str__(self) -> str:
        return self.reference_id or self.pk


class LogQuerySet(models.QuerySet["Log"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))

    def of_programs(self) -> Self:
        """Without the steps inside answers, and without answers whose blueprint was deleted."""
        known = Q(blueprint__isnull=False) | Q(file__isnull=False)
        return self.filter(known, kind__in=FILE_KINDS)

    def named(self, public_id: str) -> "Log | None":
        """The log that programs call this, among these. Where callers chose the same for logs of
        different use cases, the first one."""
        made = made_pk(public_id)
        own = self.filter(pk=made, chosen_id=None).first() if made else None
        return own or self.filter(chosen_id=storable(public_id)).order_by("pk").first()

    def all_named(self, public_ids: Iterable[str]) -> "list[Log]":
        """Of these ids, the logs that there are."""
        wanted = {storable(public_id) for public_id in public_ids}
        made = filter(None, map(made_pk, wanted))
        own = self.filter(pk__in=list(made), chosen_id=None)
        return [*own, *self.filter(chosen_id__in=wanted)]


class Log(models.Model):
    """One call, of an LLM, a retriever or a program's own code, in the tree that it belongs to.

    The root of an answer holds the sums of its steps. What was sent and what came back is in
    LogPayload, so that lists stay small and a payload can be left out or expire alone.
    """

    id = IdField()
    # Where the caller chose one; see `public_id`.
    chosen_id = models.CharField(max_length=LONGEST_NAME, null=True)  # noqa: DJ001 - unique
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="logs", db_index=False)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    # Of the whole tree, for its other logs; null for the root itself.
    root = models.ForeignKey("self", models.CASCADE, null=True, related_name="tree")
    kind = models.CharField(max_length=20, choices=LogKind)
    face = models.CharField(max_length=20, choices=Face, default=Face.CHAT)
    status = models.CharField(max_length=20, choices=Status, default=Status.RUNNING)
    log_status = models.CharField(max_length=20, choices=LogStatus, default=LogStatus.COMPLETE)
    error_message = models.TextField(blank=True)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", db_index=False)

    # What was called: a blueprint, or another file.
    blueprint = models.ForeignKey(Blueprint, models.SET_NULL, null=True, related_name="logs")
    blueprint_version = models.ForeignKey(
        BlueprintVersion, models.SET_NULL, null=True, related_name="logs", db_index=False
    )
    file = models.ForeignKey(File, models.CASCADE, null=True, related_name="logs")
    file_version = models.ForeignKey(
        FileVersion, models.SET_NULL, null=True, related_name="logs", db_index=False
    )
    model_name = models.CharField(max_length=200, blank=True)

    # What the caller says of the call.
    session = models.ForeignKey(Session, models.SET_NULL, null=True, related_name="logs")
    reference_id = models.CharField(max_length=LONGEST_NAME, null=True)  # noqa: DJ001 - unique
    source = models.CharField(max_length=LONGEST_NAME, blank=True)
    end_user = models.CharField(max_length=LONGEST_NAME, blank=True)
    environment = models.CharField(max_length=LONGEST_NAME, blank=True)
    source_datapoint_id = models.CharField(max_length=LONGEST_NAME, blank=True)
    metadata = models.JSONField(null=True)
    batches = models.JSONField(default=list)
    sample_index = models.PositiveIntegerField(default=0)
    # False: its payload was never written, or has expired.
    is_payload_kept = models.BooleanField(default=True)
    # Of an evaluator's log: what it says, and of which log. That is its parent too, unless its caller
    # named another place for it.
    judgment = models.JSONField(null=True)
    judged = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="judgments", db_index=False
    )
    is_marked_completed = models.BooleanField(null=True)
    # What is said of this one, by programs and in chats: how often it was called good, bad, or anything
    # at all. The database counts, by triggers.
    thumbs_up = models.PositiveIntegerField(default=0)
    thumbs_down = models.PositiveIntegerField(default=0)
    judgment_count = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # Milliseconds from started_at.
    first_token_ms = models.FloatField(null=True)
    latency_ms = models.FloatField(null=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    reasoning_tokens = models.PositiveIntegerField(null=True)
    tokens_estimated = models.BooleanField(default=False)
    # US dollars; null where no price is known. `cost` is the sum, steps included.
    input_cost = models.DecimalField(max_digits=20, decimal_places=12, null=True)
    output_cost = models.DecimalField(max_digits=20, decimal_places=12, null=True)
    cost = models.DecimalField(max_digits=20, decimal_places=12, null=True)
    finish_reason = models.CharField(max_length=100, blank=True)

    objects = LogQuerySet.as_manager()

    class Meta:
        ordering = ["started_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["use_case", "chosen_id"], name="log_chosen_id_unique"),
            models.UniqueConstraint(
                fields=["use_case", "reference_id"], name="log_reference_unique"
            ),
        ]
        indexes = [
            *LISTS,
            models.Index(
                fields=["blueprint", "-created_at", "-id"],
                condition=Q(kind=LogKind.ANSWER),
                name="log_of_blueprint_newest",
            ),
            models.Index(
                fields=["judged"],
                condition=Q(judged__isnull=False),
                name="log_judgments",
            ),
            models.Index(
                fields=["file", "-created_at", "-id"],
                condition=Q(file__isnull=False),
                name="log_of_file_newest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def duration_ms(self) -> float | None:
        """As its caller measured it, else from its start to its end."""
        if self.latency_ms is None and self.ended_at is not None:
            return (self.ended_at - self.started_at).total_seconds() * 1000
        return self.latency_ms

    @property
    def public_id(self) -> str:
        """What programs call it by."""
        return self.chosen_id or f"{'data' if self.face == Face.SESSIONS else 'log'}_{self.pk}"


class LogPayload(models.Model):
    """What was sent and what came back. `inputs` and `output` of a step are what its kind has; of
    what a program may list, `inputs` are the template's, and `output` says what else is known."""

    log = models.OneToOneField(Log, models.CASCADE, primary_key=True, related_name="payload")
    inputs = models.JSONField(default=dict)
    output = models.JSONField(default=dict)
    # As the prompt API has them.
    messages = models.JSONField(null=True)
    tool_choice = models.JSONField(null=True)
    text = models.TextField(null=True)  # noqa: DJ001 - null: there is none, or none yet
    output_message = models.JSONField(null=True)
    stdout = models.TextField(null=True)  # noqa: DJ001 - likewise
    provider_request = models.JSONField(null=True)
    provider_response = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"payload of {self.log_id}"
