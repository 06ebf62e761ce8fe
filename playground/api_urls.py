from django.urls import path

from playground import (
    api,
    api_blueprints,
    api_comparisons,
    api_limits,
    api_prompts,
    api_traces,
    api_use_cases,
)

urlpatterns = [
    path("useCases/<id:use_case_id>/", api_use_cases.OneUseCase.as_view()),
    path("genai/playgrounds/", api.Playgrounds.as_view()),
    path("genai/playgrounds/<id:playground_id>/", api.OnePlayground.as_view()),
    path("genai/llmBlueprints/", api_blueprints.LLMBlueprints.as_view()),
    path("genai/llmBlueprints/fromLLMBlueprint/", api_blueprints.FromLLMBlueprint.as_view()),
    path("genai/llmBlueprints/fromChatPrompt/", api_blueprints.FromChatPrompt.as_view()),
    path("genai/llmBlueprints/<id:blueprint_id>/", api_blueprints.OneLLMBlueprint.as_view()),
    path("genai/chats/", api.Chats.as_view()),
    path("genai/chats/<id:chat_id>/", api.OneChat.as_view()),
    path("genai/chatPrompts/", api_prompts.ChatPrompts.as_view()),
    path(
        "genai/chatPrompts/<id:prompt_id>/",
        api_prompts.OneChatPrompt.as_view(),
        name="api-chat-prompt",
    ),
    path("genai/comparisonChats/", api_comparisons.ComparisonChats.as_view()),
    path("genai/comparisonChats/<id:chat_id>/", api_comparisons.OneComparisonChat.as_view()),
    path("genai/comparisonPrompts/", api_comparisons.ComparisonPrompts.as_view()),
    path(
        "genai/comparisonPrompts/<id:prompt_id>/",
        api_comparisons.OneComparisonPrompt.as_view(),
        name="api-comparison-prompt",
    ),
    path("genai/playgrounds/<id:playground_id>/trace/", api_traces.Traces.as_view()),
    path(
        "genai/playgrounds/<id:playground_id>/trace/metadata/", api_traces.TraceMetadata.as_view()
    ),
    path("genai/playgrounds/<id:playground_id>/traceDatasets/", api_traces.TraceDatasets.as_view()),
    path("genai/userLimits/llmApiCalls/", api_limits.LLMApiCalls.as_view()),
    path("genai/userLimits/vectorDatabases/", api_limits.VectorDatabaseCount.as_view()),
]
