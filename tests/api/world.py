"""One of everything that the API knows, made by the API itself, and how routes name it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from blueprints.catalogue import built_in_llm
from config.status import Status
from playground.models import ChatPrompt
from tests.api.conftest import CITATION, Api, api_of
from vectordb.models import VectorDatabase

World = dict[str, str]
METHODS = ("get", "post", "put", "patch", "delete")
# An id in a path is that of one of these: told by the folder that it stands in.
BY_FOLDER = {
    "useCases": "use_case",
    "datasets": "dataset",
    "status": "prompt",
    "vectorDatabases": "database",
    "playgrounds": "playground",
    "llmBlueprints": "blueprint",
    "chats": "chat",
    "chatPrompts": "prompt",
    "comparisonChats": "comparison_chat",
    "comparisonPrompts": "comparison_prompt",
    "supportedInsights": "other_playground",
    "costMetricConfigurations": "cost",
    "ootbMetricConfigurations": "metric",
    "evaluationDatasetConfigurations": "evaluation_dataset",
    "promptTemplates": "template",
    "versions": "template_version",
}
# What the ids are of that bodies and queries name.
BY_NAME = {
    "useCaseId": "use_case",
    "useCaseIds": "use_case",
    "datasetId": "dataset",
    "playgroundId": "playground",
    "llmBlueprintId": "blueprint",
    "llmBlueprintIds": "blueprint",
    "chatId": "chat",
    "chatPromptId": "prompt",
    "comparisonChatId": "comparison_chat",
    "additionalLLMBlueprintIds": "saved_blueprint",
    "vectorDatabaseId": "database",
    "vectorDatabaseIds": "database",
    "vectorDatabases": "database",
    "familyId": "database",
    "evaluationDatasetConfigurationId": "evaluation_dataset",
    "evaluationDatasetConfigurationIds": "evaluation_dataset",
    "chatIds": "chat",
    "promptTemplatesIds": "template",
    "llmId": "llm",
    "llmIds": "llm",
}


def furnish(api: Api, name: str) -> World:
    """Everything in a use case of its own. Nothing is answered or built: it is said to be."""
    use_case = made(api, "useCases/", {"name": name})
    text = SimpleUploadedFile("oil.txt", b"The lamps burn rapeseed oil.")
    dataset = api.upload(text).json()["catalogId"]
    assert api.post(f"useCases/{use_case}/datasets/{dataset}/").status_code == 201
    database = made(
        api, "genai/vectorDatabases/", {"datasetId": dataset, "useCaseId": use_case, "name": name}
    )
    VectorDatabase.objects.filter(pk=database).update(status=Status.COMPLETED)
    playground = made(api, "genai/playgrounds/", {"name": name, "useCaseId": use_case})
    blueprint = made(
        api,
        "genai/llmBlueprints/",
        {"name": name, "playgroundId": playground, "llmId": "extractive"},
    )
    chat = made(api, "genai/chats/", {"name": name, "llmBlueprintId": blueprint})
    prompt = made(api, "genai/chatPrompts/", {"text": name, "chatId": chat})
    saved = made(
        api,
        "genai/llmBlueprints/",
        {"name": f"{name}, saved", "playgroundId": playground, "llmId": "extractive"},
    )
    assert api.patch(f"genai/llmBlueprints/{saved}/", {"isSaved": True}).status_code == 200
    comparison_chat = made(
        api, "genai/comparisonChats/", {"name": name, "playgroundId": playground}
    )
    comparison_prompt = made(
        api,
        "genai/comparisonPrompts/",
        {"text": name, "comparisonChatId": comparison_chat, "llmBlueprintIds": [saved]},
    )
    ChatPrompt.objects.filter(chat__playground=playground).update(
        status=Status.COMPLETED, result_text="Rapeseed oil.", citations=[CITATION]
    )
    comparison = api.get(f"genai/comparisonPrompts/{comparison_prompt}/").json()
    rest = _evaluation(api, name, use_case, playground)
    run = api.post(
        "genai/evaluationDatasetMetricAggregations/",
        {
            "chatName": name,
            "llmBlueprintIds": [blueprint],
            "evaluationDatasetConfigurationId": rest["evaluation_dataset"],
            "insightsConfiguration": [{"insightName": "latency", "ootbMetricName": "latency"}],
        },
    )
    assert run.status_code == 202, run.content
    return rest | {
        "run": run.json()["jobId"],
        "other_playground": made(
            api, "genai/playgrounds/", {"name": "Other", "useCaseId": use_case}
        ),
        "saved_blueprint": saved,
        "comparison_chat": comparison_chat,
        "comparison_prompt": comparison_prompt,
        "comparison_result": comparison["results"][0]["id"],
        "llm": "extractive",
        "use_case": use_case,
        "dataset": dataset,
        "database": database,
        "playground": playground,
        "blueprint": blueprint,
        "chat": chat,
        "prompt": prompt,
    }


def _evaluation(api: Api, name: str, use_case: str, playground: str) -> World:
    """Metrics, prices, questions and a template; the questions are not read yet."""
    sheet = SimpleUploadedFile("questions.csv", b"question,answer\nWhich oil?,Rapeseed oil.\n")
    questions = api.upload(sheet).json()["catalogId"]
    assert api.post(f"useCases/{use_case}/datasets/{questions}/").status_code == 201
    of_it = {"useCaseId": use_case, "playgroundId": playground, "name": name}
    path = f"genai/playgrounds/{playground}/ootbMetricConfigurations/"
    metrics = api.post(path, {"ootbMetricConfigurations": [{"ootbMetricName": "latency"}]})
    template = made(api, "genai/promptTemplates/", {"name": name, "description": ""})
    return {
        "questions": questions,
        "evaluation_dataset": made(
            api,
            "genai/evaluationDatasetConfigurations/",
            of_it | {"datasetId": questions, "promptColumnName": "question"},
        ),
        "metric": metrics.json()["ootbMetricConfigurations"][0]["ootbMetricConfigurationId"],
        "cost": made(
            api,
            "genai/costMetricConfigurations/",
            of_it | {"costMetricConfigurations": [{"llmId": "extractive"}]},
        ),
        "template": template,
        "template_version": made(
            api, f"genai/promptTemplates/{template}/versions/", {"promptText": "Please."}
        ),
    }


@contextmanager
def standing(blocker: Any, media: Path, *names: str) -> Iterator[tuple[Api, list[World]]]:
    """Worlds of one owner that stand for a whole module, in a transaction that stays open: each test
    looks at them in a transaction of its own within it. Needs `django_db_setup`."""
    with blocker.unblock(), transaction.atomic(), override_settings(MEDIA_ROOT=media):
        built_in_llm()
        api = api_of(User.objects.create_user("standing@example.com"))
        yield api, [furnish(api, name) for name in names]
        transaction.set_rollback(True)


def made(api: Api, path: str, body: Any) -> str:
    response = api.post(path, body)
    assert response.status_code in {201, 202}, (path, response.content)
    answer = response.json()
    return str(answer.get("id") or answer["costConfigurationId"])


def operations() -> list[tuple[str, str]]:
    """(method, route) of all that the resolver leads to below /api/v2/."""
    return sorted(
        (method, route)
        for route, view in _routes(get_resolver().url_patterns)
        for method in METHODS
        if hasattr(getattr(view, "cls", None), method)
        or (method == "get" and not hasattr(view, "cls"))
    )


def _routes(patterns: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif (
            isinstance(pattern, URLPattern)
            and route.startswith("api/v2/")
            and not route.endswith("openapi.json")
        ):
            yield re.sub(r"<\w+:\w+>", "*", route.removeprefix("api/v2/")), pattern.callback


def address(route: str, *worlds: World) -> str:
    """The route with an id for each star: the first from the first world, and so on; what remains
    from the last world. A folder that is not known fails here."""
    parts = route.split("/")
    queue = list(worlds)
    for place, part in enumerate(parts):
        if part == "*":
            world = queue.pop(0) if len(queue) > 1 else queue[0]
            parts[place] = world[BY_FOLDER[parts[place - 1]]]
    return "/".join(parts)


def filled(body: Any, world: World, other: World | None = None, at: int = -1) -> Any:
    """The body with ids of the world for the names in braces; the one numbered `at` from `other`."""
    seen = -1

    def fill(value: Any) -> Any:
        nonlocal seen
        if isinstance(value, dict):
            return {key: fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [fill(inner) for inner in value]
        if isinstance(value, str) and (found := re.fullmatch(r"\{(\w+)\}", value)):
            seen += 1
            return (other if other and seen == at else world)[found[1]]
        return value

    return fill(body)


def names_in(body: Any) -> int:
    """How many ids a body names."""
    return len(re.findall(r"'\{\w+\}'", str(body)))
