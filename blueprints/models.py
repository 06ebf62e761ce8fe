from typing import Self

from django.db import models
from django.db.models import Q

from accounts.models import UseCase, User
from blueprints.llm_settings import LLMSettings
from config.ids import ID_LENGTH, IdField
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings


class Provider(models.TextChoices):
    EXTRACTIVE = "extractive", "Built in"
    OPENAI = "openai", "OpenAI-compatible"


class EndpointSource(models.TextChoices):
    STAFF = "staff", "Added in the pages"
    ENVIRONMENT = "environment", "OPENAI_API_KEY"
    DISCOVERED = "discovered", "Found on this machine"


class LLMEndpoint(models.Model):
    """A server with an OpenAI-compatible API. The key is encrypted, and bound to the URL."""

    id = IdField()
    name = models.CharField(max_length=100, unique=True)
    base_url = models.URLField(max_length=500)
    encrypted_key = models.TextField(blank=True)
    source = models.CharField(max_length=20, choices=EndpointSource, default=EndpointSource.STAFF)
    # What staff decided, and whether the server or the key in the environment was there at last look.
    is_active = models.BooleanField(default=True)
    is_found = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_usable(self) -> bool:
        return self.is_active and self.is_found


class LLMQuerySet(models.QuerySet["LLM"]):
    def usable(self) -> Self:
        return self.filter(is_active=True, is_listed=True).filter(
            Q(endpoint=None) | Q(endpoint__is_active=True, endpoint__is_found=True)
        )


class LLM(models.Model):
    """One model that can answer. Shared by everybody; only staff change the list."""

    id = models.CharField(max_length=150, primary_key=True)
    label = models.CharField(max_length=150)
    description = models.TextField(blank=True)
    provider = models.CharField(max_length=20, choices=Provider)
    endpoint = models.ForeignKey(LLMEndpoint, models.CASCADE, null=True, related_name="llms")
    model_name = models.CharField(max_length=200, blank=True)
    vendor = models.CharField(max_length=100, blank=True)
    # Tokens; null where nobody knows.
    context_size = models.PositiveIntegerField(null=True)
    max_completion_length = models.PositiveIntegerField(null=True)
    # US dollars per million tokens; null means that the price list is asked, then "unknown".
    input_price = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    output_price = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    # What staff decided, and whether the endpoint offered the model at last look.
    is_active = models.BooleanField(default=True)
    is_listed = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LLMQuerySet.as_manager()

    class Meta:
        ordering = ["label", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(provider=Provider.EXTRACTIVE, endpoint=None)
                | Q(provider=Provider.OPENAI, endpoint__isnull=False),
                name="llm_endpoint_fits_provider",
            )
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_usable(self) -> bool:
        return (
            self.is_active and self.is_listed and (self.endpoint is None or self.endpoint.is_usable)
        )


class PromptType(models.TextChoices):
    CHAT_HISTORY_AWARE = "CHAT_HISTORY_AWARE", "With the chat's history"
    ONE_TIME_PROMPT = "ONE_TIME_PROMPT", "Each question on its own"


class BlueprintQuerySet(models.QuerySet["Blueprint"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.editable_by(user))

    def with_settings(self) -> Self:
        return self.select_related("use_case", "version__llm__endpoint", "version__vector_database")


class Blueprint(models.Model):
    """A named way of answering. Its settings are those of its current version."""

    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="blueprints")
    path = models.CharField(max_length=250)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    version = models.ForeignKey("BlueprintVersion", models.SET_NULL, null=True, related_name="+")
    is_saved = models.BooleanField(default=False)
    is_starred = models.BooleanField(default=False)
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
    def current(self) -> "BlueprintVersion":
        """The version in force. Null in the database only while the blueprint is being created."""
        assert self.version is not None  # noqa: S101 - an invariant of services.create_blueprint
        return self.version


class BlueprintVersion(models.Model):
    """An immutable snapshot of a blueprint's settings, found by their hash."""

    id = IdField()
    blueprint = models.ForeignKey(Blueprint, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    llm = models.ForeignKey(LLM, models.SET_NULL, null=True, related_name="+")
    llm_settings = models.JSONField(default=dict)
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
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["blueprint", "content_hash"], name="blueprint_version_content_unique"
            ),
            models.UniqueConstraint(
                fields=["blueprint", "number"], name="blueprint_version_number_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.blueprint} v{self.number}"

    @property
    def llm_parameters(self) -> LLMSettings:
        return LLMSettings.from_json(self.llm_settings)

    @property
    def retrieval_parameters(self) -> RetrievalSettings:
        return RetrievalSettings.from_json(self.retrieval_settings)


class PromptTemplateQuerySet(models.QuerySet["PromptTemplate"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(created_by=user)


class PromptTemplate(models.Model):
    """A text with variables, kept in versions. It stands in no use case: it is its maker's own."""

    id = IdField()
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    objects = PromptTemplateQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class PromptTemplateVersion(models.Model):
    """Never changed. `variables` holds a name, a type and a description for each."""

    id = IdField()
    template = models.ForeignKey(PromptTemplate, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    variables = models.JSONField(default=list)
    comment = models.TextField(blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["template", "number"], name="prompt_template_version_number_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"
