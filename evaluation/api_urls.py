from django.urls import path

from evaluation import api_datasets, api_runs

urlpatterns = [
    path(
        "genai/evaluationDatasetConfigurations/",
        api_datasets.EvaluationDatasetConfigurations.as_view(),
    ),
    path(
        "genai/evaluationDatasetConfigurations/<id:configuration_id>/",
        api_datasets.OneEvaluationDatasetConfiguration.as_view(),
    ),
    path(
        "genai/evaluationDatasetMetricAggregations/",
        api_runs.EvaluationDatasetMetricAggregations.as_view(),
    ),
]
