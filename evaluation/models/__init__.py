from evaluation.models.grids import Grid
from evaluation.models.questions import Question, QuestionSet
from evaluation.models.runs import (
    AggregationType,
    CostConfiguration,
    EvaluationChat,
    EvaluationDatasetConfiguration,
    EvaluationRow,
    EvaluationRun,
    MetricAggregation,
    MetricConfiguration,
    MetricName,
)

__all__ = [
    "AggregationType",
    "CostConfiguration",
    "EvaluationChat",
    "EvaluationDatasetConfiguration",
    "EvaluationRow",
    "EvaluationRun",
    "Grid",
    "MetricAggregation",
    "MetricConfiguration",
    "MetricName",
    "Question",
    "QuestionSet",
]
