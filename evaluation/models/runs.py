"""Metrics of answers, evaluation datasets and their runs."""

from typing import Self

from django.db import models

from accounts.models import UseCase, User
from blueprints.models import BlueprintVersion
from config.ids import ID_LENGTH, IdField
from config.status import Status
from playground.models import Chat, ChatPrompt, Playground
from vectordb.models import Document


class EvaluationDatasetQuerySet(models.QuerySet["EvaluationDatasetConfiguration"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(playground__use_case__in=UseCase.objects.visible_to(user))

    def usable(self) -> Self:
        """Whose file is still there."""
        return self.filter(document__isnull=False)


class EvaluationDatasetConfiguration(models.Model):
    """Which columns of a CSV file hold questions and, where there are any, the right answers."""

    id = IdField()
    playground = models.ForeignKey(Playground, models.CASCADE, related_name="evaluation_datasets")
    name = models.CharField(max_length=200)
    # Copies, so that a configuration and its results tell what they were made of after the
    # dataset is gone; without its file a configuration can be looked at but not run.
    dataset_id = models.CharField(max_length=ID_LENGTH)
    dataset_name = models.CharField(max_length=200)
    document = models.ForeignKey(Document, models.SET_NULL, null=True, related_name="+")
    size = models.BigIntegerField()
    rows_count = models.PositiveIntegerField()
    prompt_column_name = models.CharField(max_length=500)
    response_column_name = models.CharField(max_length=500, blank=True)
    tool_calls_column_name = models.CharField(max_length=500, blank=True)
    agent_goals_column_name = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EvaluationDatasetQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def status(self) -> Status:
        return Status.COMPLETED if self.document_id else Status.ERROR

    @property
    def error_message(self) -> str:
        gone = "The file of this dataset was deleted: choose another dataset."
        return "" if self.document_id else gone


class EvaluationRunQuerySet(models.QuerySet["EvaluationRun"]):
    def visible_to(self, user: User) -> Self:
        """Without those of grids, which are reached through their grid."""
        visible = UseCase.objects.visible_to(user)
        return self.filter(playground__use_case__in=visible, grid=None)


class EvaluationRun(models.Model):
    """Every question of a dataset put to some blueprints, and figures over their answers.

    How far it has come is in the rows of its chats, never in the job that moves it on.
    """

    id = IdField()
    playground = models.ForeignKey(Playground, models.CASCADE, related_name="evaluation_runs")
    configuration = models.ForeignKey(
        EvaluationDatasetConfiguration, models.SET_NULL, null=True, related_name="runs"
    )
    dataset_id = models.CharField(max_length=ID_LENGTH)
    dataset_name = models.CharField(max_length=200)
    # What is to be aggregated: [{"name", "metric", "aggregation_types", ...}], see `runs`.
    insights = models.JSONField(default=list)
    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    message = models.TextField(blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = EvaluationRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"run over {self.dataset_name}"


class EvaluationChat(models.Model):
    """The frozen chat in which one blueprint, as it was when the run began, is asked."""

    run = models.ForeignKey(EvaluationRun, models.CASCADE, related_name="chats")
    chat = models.OneToOneField(Chat, models.CASCADE, related_name="evaluation")
    blueprint_version = models.ForeignKey(BlueprintVersion, models.CASCADE, related_name="+")
    # Taken out of the run: nothing more is asked in it, and it gets no figures.
    is_cancelled = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.chat} of {self.run}"


class EvaluationRow(models.Model):
    """One question to one blueprint. It was asked when it has its prompt, and only then."""

    evaluation_chat = models.ForeignKey(EvaluationChat, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()
    text = models.TextField()
    # The right answer; empty where the dataset has none.
    reference = models.TextField(blank=True)
    # With a deleted prompt its row goes too: it must not be asked again.
    prompt = models.OneToOneField(
        ChatPrompt, models.CASCADE, null=True, related_name="evaluation_row"
    )
    # How far the answer has the words of the right one, see `overlap.word_f1`.
    word_f1 = models.FloatField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["evaluation_chat", "number"], name="evaluation_row_number_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.text[:60]}"


class AggregationType(models.TextChoices):
    """How one figure is made of many; percentages are 0 to 100."""

    AVERAGE = "average", "Average"
    PERCENT_YES = "percentYes", "Percentage of yes"
    CLASS_PERCENT_COVERAGE = "classPercentCoverage", "Percentage of each class"
    NGRAM_IMPORTANCE = "ngramImportance", "Importance of words"
    GUARD_CONDITION_PERCENT_YES = "guardConditionPercentYes", "Percentage where a guard acted"


class MetricAggregationQuerySet(models.QuerySet["MetricAggregation"]):
    def visible_to(self, user: User) -> Self:
        runs = EvaluationRun.objects.visible_to(user)
        return self.filter(evaluation_chat__run__in=runs)


class MetricAggregation(models.Model):
    """One metric over all answers of one blueprint in one run."""

    evaluation_chat = models.ForeignKey(EvaluationChat, models.CASCADE, related_name="aggregations")
    metric_name = models.CharField(max_length=200)
    aggregation_type = models.CharField(max_length=30, choices=AggregationType)
    # A number, [{"item", "value"}] for classes, or null where `error_message` says why.
    value = models.JSONField(null=True)
    error_message = models.TextField(blank=True)

    objects = MetricAggregationQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.aggregation_type} of {self.metric_name}"


class MetricName(models.TextChoices):
    LATENCY = "latency", "Latency"
    PROMPT_TOKENS = "prompt_tokens", "Prompt tokens"
    RESPONSE_TOKENS = "response_tokens", "Response tokens"
    DOCUMENT_TOKENS = "document_tokens", "Document tokens"
    ALL_TOKENS = "all_tokens", "All tokens"
    CITATIONS = "citations", "Citations"
    ROUGE_1 = "rouge_1", "ROUGE-1"
    FAITHFULNESS = "faithfulness", "Faithfulness"
    CORRECTNESS = "correctness", "Correctness"
    JAILBREAK = "jailbreak_violation", "Jailbreak attempt"
    TOXICITY = "toxicity_violation", "Toxicity"
    PII = "pii_violation", "Personal data"


class MetricConfigurationQuerySet(models.QuerySet["MetricConfiguration"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(playground__use_case__in=UseCase.objects.visible_to(user))


class MetricConfiguration(models.Model):
    """A metric that every later answer in the playground gets, and what is done about its value."""

    id = IdField()
    playground = models.ForeignKey(Playground, models.CASCADE, related_name="metrics")
    name = models.CharField(max_length=40, choices=MetricName)
    custom_name = models.CharField(max_length=200, blank=True)
    # Who judges, where the metric is an opinion; a copy that outlives the LLM.
    llm_id = models.CharField(max_length=150, blank=True)
    custom_model_llm_validation_id = models.CharField(max_length=ID_LENGTH, blank=True)
    # {"guard_conditions": [{"comparator", "comparand"}], "intervention": {"action", "message"}}
    moderation = models.JSONField(null=True)
    extra_settings = models.JSONField(null=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MetricConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["playground", "name", "custom_name"], name="metric_configuration_unique"
            )
        ]

    def __str__(self) -> str:
        return self.custom_name or self.get_name_display()

    @property
    def shown_name(self) -> str:
        """What answers call it."""
        return self.custom_name or self.name


class CostConfigurationQuerySet(models.QuerySet["CostConfiguration"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(playground__use_case__in=UseCase.objects.visible_to(user))


class CostConfiguration(models.Model):
    """What LLMs cost by the team's own prices, for the later answers in a playground."""

    id = IdField()
    playground = models.ForeignKey(Playground, models.CASCADE, related_name="cost_configurations")
    name = models.CharField(max_length=200, blank=True)
    # One for each LLM, with the names of serializers_metrics.PriceSerializer.
    prices = models.JSONField(default=list)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CostConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.name or "prices"
