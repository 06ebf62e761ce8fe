"""What each operation is sent that changes things, so that it is allowed to its owner."""

from typing import Any

A_FILE = "a file"
# What changes things is sent this, and is allowed to its owner. `{name}` is the id of such a thing.
BODIES: dict[str, Any] = {
    "post useCases/": {},
    "patch useCases/*/": {"name": "Other"},
    "delete useCases/*/": None,
    "post useCases/*/datasets/*/": None,
    "delete useCases/*/datasets/*/": None,
    "post datasets/fromFile/": A_FILE,
    "patch datasets/*/": {"name": "Other"},
    "delete datasets/*/": None,
    "post genai/vectorDatabases/": {"datasetId": "{dataset}", "useCaseId": "{use_case}"},
    "patch genai/vectorDatabases/*/": {"name": "Other"},
    "delete genai/vectorDatabases/*/": None,
    "post genai/playgrounds/": {"name": "New", "useCaseId": "{use_case}"},
    "patch genai/playgrounds/*/": {"name": "Other"},
    "delete genai/playgrounds/*/": None,
    "post genai/llmBlueprints/": {
        "playgroundId": "{playground}",
        "name": "New",
        "llmId": "extractive",
        "vectorDatabaseId": "{database}",
    },
    "post genai/llmBlueprints/fromLLMBlueprint/": {"llmBlueprintId": "{blueprint}", "name": "Copy"},
    "post genai/llmBlueprints/fromChatPrompt/": {"chatPromptId": "{prompt}", "name": "Copy"},
    "patch genai/llmBlueprints/*/": {"vectorDatabaseId": "{database}"},
    "delete genai/llmBlueprints/*/": None,
    "post genai/chats/": {"llmBlueprintId": "{blueprint}", "name": "Second"},
    "patch genai/chats/*/": {"name": "Other"},
    "delete genai/chats/*/": None,
    "post genai/chatPrompts/": {
        "text": "And now?",
        "chatId": "{chat}",
        "llmBlueprintId": "{blueprint}",
        "vectorDatabaseId": "{database}",
    },
    "patch genai/chatPrompts/*/": {"feedbackMetadata": {"feedback": "1"}},
    "delete genai/chatPrompts/*/": None,
    "post genai/comparisonChats/": {"name": "New", "playgroundId": "{playground}"},
    "patch genai/comparisonChats/*/": {"name": "Other"},
    "delete genai/comparisonChats/*/": None,
    "post genai/comparisonPrompts/": {
        "text": "Which?",
        "llmBlueprintIds": ["{saved_blueprint}"],
        "comparisonChatId": "{comparison_chat}",
    },
    "patch genai/comparisonPrompts/*/": {
        "feedbackResult": {
            "comparisonPromptResultId": "{comparison_result}",
            "feedbackMetadata": {"feedback": "1"},
        }
    },
    "delete genai/comparisonPrompts/*/": None,
    "post datasets/fromURL/": {"url": "https://example.com/lamps.txt"},
    "post genai/playgrounds/*/traceDatasets/": None,
    "post genai/evaluationDatasetConfigurations/": {
        "name": "Questions",
        "useCaseId": "{use_case}",
        "playgroundId": "{playground}",
        "datasetId": "{questions}",
        "promptColumnName": "question",
    },
    "patch genai/evaluationDatasetConfigurations/*/": {"datasetId": "{questions}"},
    "delete genai/evaluationDatasetConfigurations/*/": None,
    "post genai/evaluationDatasetMetricAggregations/": {
        "chatName": "Run",
        "llmBlueprintIds": ["{blueprint}"],
        "evaluationDatasetConfigurationId": "{evaluation_dataset}",
        "insightsConfiguration": [{"insightName": "latency", "ootbMetricName": "latency"}],
    },
    "delete genai/evaluationDatasetMetricAggregations/": None,
    "post genai/playgrounds/*/ootbMetricConfigurations/": {
        "ootbMetricConfigurations": [{"ootbMetricName": "response_tokens"}]
    },
    "delete genai/ootbMetricConfigurations/*/": None,
    "post genai/costMetricConfigurations/": {
        "useCaseId": "{use_case}",
        "playgroundId": "{playground}",
        "name": "Prices",
        "costMetricConfigurations": [{"llmId": "extractive"}],
    },
    "patch genai/costMetricConfigurations/*/": {
        "costMetricConfigurations": [{"llmId": "extractive"}]
    },
    "delete genai/costMetricConfigurations/*/": None,
    "put genai/playgrounds/*/supportedInsights/*/": {"addToExisting": True},
    "post genai/promptTemplates/": {"name": "Polite", "description": ""},
    "post genai/promptTemplates/*/versions/": {
        "promptText": "Please, {{ what }}",
        "variables": [{"name": "what", "type": "str", "description": ""}],
        "commitComment": "",
    },
}
# Lists that want to know what they are to list.
QUERIES = {
    "genai/comparisonPrompts/": {"comparisonChatId": "{comparison_chat}"},
    "genai/evaluationDatasetMetricAggregations/": {"llmBlueprintIds": "{blueprint}"},
}
# Their own things, and their opinion, which changes nothing of what it is about.
VIEWERS_MAY = {
    "post useCases/",
    "post datasets/fromFile/",
    "patch genai/chatPrompts/*/",
    "post datasets/fromURL/",
    "patch genai/comparisonPrompts/*/",
    "post genai/promptTemplates/",
}
# What nobody but its maker sees.
PRIVATE = "genai/promptTemplates/*"
