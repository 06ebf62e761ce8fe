"""Ways of answering, and their versions."""

from typing import Self

from django.db import models

from accounts.models import UseCase, User
from blueprints.llm_settings import LLMSettings
from blueprints.models.files import LONGEST_PATH
from blueprints.models.llms import LLM
from blueprints.prompt_details import PromptDetails
from config.ids import ID_LENGTH, IdField
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings


class PromptType(models.TextChoices):
    CHAT_HISTORY_AWARE = "CHAT_HISTORY_AWARE", "With the chat's history"
    ONE_TIME_PROMPT = "ONE_TIME_PROMPT", "Each question on its own"


class BlueprintQuerySet(models.QuerySet["Blueprint"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.editable_by(user))

    def with_settings(self) -> Self:
        return self.select_related(
            "use_case", "locked_by", "version__llm__endpoint", "version__vector_database"
        )


class Blueprint(models.Model):
    """A named way of answering. Its settings are those of its current version."""

    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="blueprints")
    # Its own among all blueprints, flows, tools and evaluators of the use case.
    path = models.CharField(max_length=LONGEST_PATH)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    readme = models.TextField(blank=True)
    tags = models.JSONField(default=list)
    version = models.ForeignKey("BlueprintVersion", models.SET_NULL, null=True, related_name="+")
    is_saved = models.BooleanField(default=False)
    is_starred = models.BooleanField(default=False)
    # Who locked its settings, for everybody, until somebody unlocks them.
    locked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    objects = BlueprintQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["use_case", "path"], name="blueprint_path_unique")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_locked(self) -> bool:
        return self.locked_by_id is not None

    @property
    def is_fixed(self) -> bool:
        """Whether its settings cannot be changed: for good when it is saved, for now when locked."""
        return self.is_saved or self.is_locked

    @property
    def current(self) -> "BlueprintVersion":
        """The version in force. Null in the database only while the blueprint is being created."""
        assert self.version is not None  # noqa: S101 - an invariant of services.create_blueprint
        return self.version


class BlueprintVersion(models.Model):
    """An immutable snapshot of a blueprint's settings, found by their hash; only its name and
    description may change."""

    id = IdField()
    blueprint = models.ForeignKey(Blueprint, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    llm = models.ForeignKey(LLM, models.SET_NULL, null=True, related_name="+")
    llm_settings = models.JSONField(default=dict)
    prompt_details = models.JSONField(default=dict)
    vector_database = models.ForeignKey(
        VectorDatabase, models.SET_NULL, null=True, related_name="blueprint_versions"
    )
    retrieval_settings = models.JSONField(default=dict)
    prompt_type = models.CharField(
        max_length=20, choices=PromptType, default=PromptType.CHAT_HISTORY_AWARE
    )
    # The ids as they were saved: they outlive the rows, so that a version whose vector database
    # was deleted is told from one that never had any.
    saved_llm_id = models.CharField(max_length=150, blank=True)
    saved_vector_database_id = models.CharField(max_length=ID_LENGTH, blank=True)
    # Of what the prompt API shows of the settings, so that it finds the same version again by it.
    kernel_hash = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["blueprint", "content_hash"], name="blueprint_version_content_unique"
            ),
            models.UniqueConstraint(
                fields=["blueprint", "number"], name="blueprint_version_number_unique"
            ),
            models.UniqueConstraint(
                fields=["blueprint", "name"],
                condition=~models.Q(name=""),
                name="blueprint_version_name_unique",
            ),
        ]
        indexes = [
            models.Index(fields=["blueprint", "kernel_hash"], name="blueprint_version_by_kernel")
        ]

    def __str__(self) -> str:
        return f"{self.blueprint} v{self.number}"

    @property
    def llm_parameters(self) -> LLMSettings:
        return LLMSettings.from_json(self.llm_settings)

    @property
    def prompt(self) -> PromptDetails:
        return PromptDetails.from_json(self.prompt_details)

    @property
    def retrieval_parameters(self) -> RetrievalSettings:
        return RetrievalSettings.from_json(self.retrieval_settings)
