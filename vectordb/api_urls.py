from django.urls import path

from vectordb import api, dataset_api

urlpatterns = [
    path("datasets/", dataset_api.Datasets.as_view()),
    path("datasets/fromFile/", dataset_api.DatasetsFromFile.as_view()),
    path("datasets/fromURL/", dataset_api.DatasetsFromUrl.as_view()),
    path("datasets/<id:dataset_id>/", dataset_api.OneDataset.as_view(), name="api-dataset"),
    path("datasets/<id:dataset_id>/file/", dataset_api.DatasetFile.as_view()),
    path(
        "useCases/<id:use_case_id>/datasets/<id:dataset_id>/",
        dataset_api.UseCaseDataset.as_view(),
    ),
    path("genai/vectorDatabases/", api.VectorDatabases.as_view()),
    path("genai/vectorDatabases/supportedEmbeddings/", api.SupportedEmbeddings.as_view()),
    path("genai/vectorDatabases/supportedTextChunkings/", api.SupportedTextChunkings.as_view()),
    path(
        "genai/vectorDatabases/supportedRetrievalSettings/",
        api.SupportedRetrievalSettings.as_view(),
    ),
    path(
        "genai/vectorDatabases/<id:database_id>/",
        api.OneVectorDatabase.as_view(),
        name="api-vector-database",
    ),
]
