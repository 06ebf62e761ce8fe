"""What the GenAI API has and Groundwork has not: every path of it is answered 404, in JSON."""

import pytest

ID = "66c9ea1a0000000000000001"
GENAI = [
    "customModelLLMValidations/",
    f"customModelLLMValidations/{ID}/",
    "customModelEmbeddingValidations/",
    f"customModelEmbeddingValidations/{ID}/",
    "customModelVectorDatabaseValidations/",
    f"customModelVectorDatabaseValidations/{ID}/",
    "openaiEmbeddingValidations/",
    f"openaiEmbeddingValidations/{ID}/",
    "sidecarModelMetricValidations/",
    f"sidecarModelMetricValidations/{ID}/",
    f"sidecarModelMetricValidations/{ID}/revalidate/",
    "customModelVersions/",
    f"vectorDatabases/{ID}/customModelVersions/",
    f"vectorDatabases/{ID}/deployments/",
    "vectorDatabases/fromCustomModelDeployment/",
    f"vectorDatabases/{ID}/externalVectorDatabaseDocuments/",
    f"vectorDatabases/{ID}/textAndEmbeddings/",
    f"vectorDatabases/{ID}/datasetExportJobs/",
    "llmTestConfigurations/",
    f"llmTestConfigurations/{ID}/",
    "llmTestConfigurations/ootbDatasets/",
    "llmTestConfigurations/nonOotbDatasets/",
    "llmTestConfigurations/supportedInsights/",
    "llmTestResults/",
    f"llmTestResults/{ID}/",
    f"playgrounds/{ID}/nemoConfiguration/",
    "syntheticEvaluationDatasetGenerations/",
    "syftrSearch/",
    f"syftrSearch/{ID}/",
    "llmgw/catalog/",
]
PLATFORM = [
    "files/",
    "files/fromFile/",
    f"files/{ID}/",
    "catalogItems/",
    f"catalogItems/{ID}/",
    "dataStages/",
    f"dataStages/{ID}/parts/1/",
    f"useCases/{ID}/sharedRoles/",
    f"datasets/{ID}/sharedRoles/",
    f"datasets/{ID}/versions/fromFile/",
    "status/",
]


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", [*(f"genai/{path}" for path in GENAI), *PLATFORM])
def test_it_is_not_there(api, path, method):
    response = api.request(method, path, None if method == "get" else {"name": "a"})

    assert response.status_code == 404
    assert response["Content-Type"] == "application/json"
    assert response.json() == {
        "detail" if path.startswith("genai/") else "message": (
            "There is no such route; paths end in a slash."
        )
    }
    assert not response.cookies
