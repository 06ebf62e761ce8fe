"""What can answer: models, and the servers that they run on."""

from typing import Self

from django.db import models
from django.db.models import Q

from config.ids import IdField


class Provider(models.TextChoices):
    EXTRACTIVE = "extractive", "Built in"
    OPENAI = "openai", "OpenAI-compatible"
    # Never in the table, see `providers.mock`.
    MOCK = "mock", "Mock"


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
