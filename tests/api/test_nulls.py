"""What need not be sent may be sent as null, and is then as if it had not been: the package never
sends null, other clients do."""

from typing import Any

import pytest

from tests.api.conftest import problems

# What differs between two things that were made alike.
OWN = {
    *("id", "familyId", "creationDate", "lastUpdateDate", "costConfigurationId", "results"),
    *("ootbMetricConfigurationId",),
}


def without_own(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_own(inner) for key, inner in value.items() if key not in OWN}
    return [without_own(one) for one in value] if isinstance(value, list) else value


CHUNKING = (
    "embeddingModel chunkingMethod chunkSize chunkOverlapPercentage separators isSeparatorRegex"
    " customChunking embeddingValidationId"
)
VECTOR_DATABASE_SETTINGS = (
    "maxDocumentsRetrievedPerPrompt maxTokens retriever maximalMarginalRelevanceLambda"
)
CASES = [
    (
        "genai/vectorDatabases/",
        "datasetId useCaseId",
        "name chunkingParameters parentVectorDatabaseId updateLlmBlueprints updateDeployments"
        " metadataDatasetId metadataCombinationStrategy externalVectorDatabaseConnection",
    ),
    ("genai/playgrounds/", "name useCaseId", "description copyInsights"),
    (
        "genai/llmBlueprints/",
        "name playgroundId",
        "description llmId llmSettings vectorDatabaseId vectorDatabaseSettings",
    ),
    ("genai/llmBlueprints/fromLLMBlueprint/", "name llmBlueprintId", "description"),
    ("genai/llmBlueprints/fromChatPrompt/", "name chatPromptId", "description"),
    ("genai/chats/", "llmBlueprintId", "name"),
    ("genai/comparisonPrompts/", "text llmBlueprintIds", "comparisonChatId metadataFilter"),
    ("genai/costMetricConfigurations/", "useCaseId playgroundId costMetricConfigurations", "name"),
    ("genai/promptTemplates/", "name", "description"),
]


@pytest.fixture
def needed(api, use_case, dataset, playground, blueprint, prompt, llm) -> dict[str, Any]:
    api.patch(f"genai/llmBlueprints/{blueprint.pk}/", {"isSaved": True})
    return {
        "datasetId": dataset.pk,
        "useCaseId": use_case.pk,
        "playgroundId": playground.pk,
        "llmBlueprintId": blueprint.pk,
        "llmBlueprintIds": [blueprint.pk],
        "chatPromptId": prompt.pk,
        "name": "Same",
        "text": "Same?",
        "costMetricConfigurations": [{"llmId": llm.pk}],
    }


@pytest.mark.parametrize(("path", "required", "optional"), CASES, ids=[case[0] for case in CASES])
def test_null_is_as_if_it_had_not_been_sent(api, needed, path, required, optional):
    body = {name: needed[name] for name in required.split()}

    silent = api.post(path, body)
    assert silent.status_code in {201, 202}, silent.content
    for nulls in (*([name] for name in optional.split()), optional.split()):
        said = api.post(path, body | dict.fromkeys(nulls))
        assert said.status_code == silent.status_code, (nulls, said.content)
        assert without_own(said.json()) == without_own(silent.json()), nulls


@pytest.mark.parametrize(
    ("path", "required", "group", "optional"),
    [
        ("genai/vectorDatabases/", "datasetId useCaseId", "chunkingParameters", CHUNKING),
        (
            "genai/llmBlueprints/",
            "name playgroundId",
            "llmSettings",
            "systemPrompt temperature topP maxCompletionLength",
        ),
        (
            "genai/llmBlueprints/",
            "name playgroundId",
            "vectorDatabaseSettings",
            VECTOR_DATABASE_SETTINGS,
        ),
    ],
)
def test_so_it_is_within_settings(api, needed, path, required, group, optional):
    body = {name: needed[name] for name in required.split()}

    silent = without_own(api.post(path, body).json())
    for name in optional.split():
        said = api.post(path, body | {group: {name: None}})
        assert said.status_code in {201, 202}, (name, said.content)
        assert without_own(said.json()) == silent, name


@pytest.mark.parametrize(
    "name",
    [
        "customOotbMetricName",
        "llmId",
        "customModelLLMValidationId",
        "customModelLlmValidationId",
        "moderationConfiguration",
        "extraMetricSettings",
    ],
)
def test_so_it_is_within_metrics(api, playground, name):
    path = f"genai/playgrounds/{playground.pk}/ootbMetricConfigurations/"

    def configured(**more: Any) -> Any:
        wanted = {"ootbMetricName": "latency"} | more
        response = api.post(path, {"ootbMetricConfigurations": [wanted]})
        assert response.status_code == 201, response.content
        return without_own(response.json())

    assert configured(**{name: None}) == configured()


@pytest.mark.parametrize("name", ["customModelLLMValidationId", "customModelLlmValidationId"])
def test_so_it_is_within_prices(api, needed, llm, name):
    body = {key: needed[key] for key in ("useCaseId", "playgroundId")}
    price = {"llmId": llm.pk, name: None}

    made = api.post("genai/costMetricConfigurations/", body | {"costMetricConfigurations": [price]})

    assert made.status_code == 201
    assert made.json()["costMetricConfigurations"][0]["customModelLLMValidationId"] is None


@pytest.mark.parametrize(
    "name", ["inputTokenPrice", "referenceOutputTokenCount", "currencyCode", "llmId"]
)
def test_what_has_a_value_of_its_own_is_not_null(api, needed, llm, name):
    body = {key: needed[key] for key in ("useCaseId", "playgroundId")}
    price = {"llmId": llm.pk} | {name: None}

    refused = api.post(
        "genai/costMetricConfigurations/", body | {"costMetricConfigurations": [price]}
    )

    at = ["body", "costMetricConfigurations", 0, name]
    assert [place for place, _ in problems(refused)] == [at]
