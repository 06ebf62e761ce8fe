from django.urls import path

from evaluation import api_datasets, api_insights, api_metrics, api_runs

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
    path(
        "genai/playgrounds/<id:playground_id>/ootbMetricConfigurations/",
        api_metrics.OotbMetricConfigurations.as_view(),
    ),
    path(
        "genai/ootbMetricConfigurations/<id:configuration_id>/",
        api_metrics.OneOotbMetricConfiguration.as_view(),
    ),
    path("genai/costMetricConfigurations/", api_metrics.CostMetricConfigurations.as_view()),
    path(
        "genai/costMetricConfigurations/<id:configuration_id>/",
        api_metrics.OneCostMetricConfiguration.as_view(),
    ),
    path(
        "genai/playgrounds/<id:playground_id>/supportedInsights/",
        api_insights.SupportedInsights.as_view(),
    ),
    path(
        "genai/playgrounds/<id:playground_id>/supportedInsights/<id:source_playground_id>/",
        api_insights.CopiedInsights.as_view(),
    ),
]
