"""Every key that a list can be sorted by means the field of that name, in both directions."""

from typing import Any

import pytest

from accounts.models import Membership, Role, User
from blueprints.models import LLM, Blueprint, LLMEndpoint, Provider
from blueprints.settings import AnswerSettings
from config.status import Status
from evaluation.models import (
    EvaluationChat,
    EvaluationDatasetConfiguration,
    EvaluationRun,
    MetricAggregation,
)
from playground import services
from playground.models import Chat, Playground
from tests.api.conftest import Api
from vectordb import services as vectordb
from vectordb.models import Dataset, VectorDatabase

# Three of each, and no two fields put them into the same order. Of the people alice gave no name, so
# she is called by her address.
NAMES, TEXTS, NUMBERS = ("mid", "top", "low"), ("c", "a", "b"), (2, 1, 3)


@pytest.fixture
def users(alice, use_case) -> list[User]:
    others = [
        User.objects.create_user(f"{name}@example.com", "correct horse battery", name=name)
        for name in ("zed", "aaron")
    ]
    for user in others:
        Membership.objects.create(use_case=use_case, user=user, role=Role.EDITOR)
    return [alice, *others]


def check(api: Api, path: str, words: str, *, same: str = "") -> None:
    """All records by each of the words; only those in `same` may have one value everywhere."""
    for word in words.split():
        order = shown(api, path, word, word)
        assert len(order) == 3, word
        assert order == sorted(order, key=lambda one: (one is None, one)), word
        assert len(set(order)) == (1 if word in same.split() else 3), word
        assert shown(api, path, f"-{word}", word) == order[::-1], word


def shown(api: Api, path: str, sort: str, word: str) -> list[Any]:
    response = api.get(path, {"sort": sort})
    assert response.status_code == 200, (sort, response.content)
    return [one[word] for one in response.json()["data"]]


@pytest.fixture
def datasets(users, use_case) -> list[Dataset]:
    return [vectordb.create_dataset(user=users[0], name=text, use_case=use_case) for text in "abc"]


@pytest.fixture
def databases(users, use_case, datasets) -> list[VectorDatabase]:
    rows = zip(NAMES, TEXTS, NUMBERS, (datasets[1], datasets[2], datasets[0]), users, strict=True)
    made = []
    for name, text, number, dataset, user in rows:
        database = VectorDatabase(
            name=name,
            use_case=use_case,
            dataset=dataset,
            dataset_name=text,
            embedding_model=text * 2,
            dimensions=384,
            chunking_method=NAMES[number % 3],
            chunk_size=256,
            chunk_overlap_percentage=0,
            separators=[""],
            status=Status.COMPLETED,
            chunks_count=number,
            size=number * 7 % 5,
            created_by=user,
        )
        database.family_id = database.pk
        database.save()
        made.append(database)
    return made


@pytest.fixture
def blueprints(users, playground, databases) -> list[Blueprint]:
    endpoint = LLMEndpoint.objects.create(name="Lab", base_url="http://127.0.0.1:9/v1")
    made = []
    for name, text, database, user in zip(NAMES, TEXTS, databases, users, strict=True):
        llm = LLM.objects.create(
            id=f"lab/{text}", label=text, provider=Provider.OPENAI, endpoint=endpoint
        )
        settings = AnswerSettings(llm_id=llm.pk, vector_database_id=database.pk)
        made.append(
            services.create_blueprint(
                user=user, playground=playground, name=name, settings=settings
            )
        )
    for blueprint, text, user in ((made[1], "x", 2), (made[2], "z", 0), (made[0], "y", 1)):
        services.update_blueprint(blueprint, user=users[user], description=text)
    return made


@pytest.fixture
def chats(users, playground, blueprints) -> list[Chat]:
    return [
        services.create_chat(user=user, playground=playground, blueprint=blueprint, name=name)
        for user, blueprint, name in zip(users, blueprints[::-1], NAMES, strict=True)
    ]


def test_vector_databases(api, users, use_case, databases, llm):
    for name, used in (("one", databases[:2]), ("two", databases[:1])):
        room = services.create_playground(user=users[0], use_case=use_case, name=name)
        for database in used:
            settings = AnswerSettings(llm_id=llm.pk, vector_database_id=database.pk)
            services.create_blueprint(user=users[0], playground=room, name="x", settings=settings)

    check(
        api,
        "genai/vectorDatabases/",
        "name creationUserId creationDate embeddingModel datasetId chunkingMethod chunksCount size"
        " userName datasetName playgroundsCount source",
        same="source",
    )


def test_playgrounds(api, users, use_case, llm):
    rooms: list[Playground] = []
    for name, saved, user in zip(NAMES, NUMBERS, users, strict=True):
        room = services.create_playground(user=user, use_case=use_case, name=name)
        for _ in range(saved):
            draft = services.create_blueprint(
                user=user, playground=room, name="x", settings=AnswerSettings(llm_id=llm.pk)
            )
            services.update_blueprint(draft, user=user, is_saved=True)
        rooms.append(room)
    for room, text, user in ((rooms[1], "x", 2), (rooms[2], "z", 0), (rooms[0], "y", 1)):
        services.update_playground(room, user=users[user], description=text)

    check(
        api,
        "genai/playgrounds/",
        "name description creationUserId creationDate lastUpdateUserId lastUpdateDate"
        " savedLLMBlueprintsCount",
    )


def test_blueprints(api, blueprints):
    check(
        api,
        "genai/llmBlueprints/",
        "name description creationUserId creationDate lastUpdateUserId lastUpdateDate llmId"
        " vectorDatabaseId",
    )


def test_chats(api, chats):
    check(api, "genai/chats/", "name creationDate")


def test_comparison_chats(api, playground):
    for name in NAMES:
        api.post("genai/comparisonChats/", {"playgroundId": playground.pk, "name": name})

    check(api, "genai/comparisonChats/", "name creationDate")


@pytest.fixture
def configurations(users, playground, datasets) -> list[EvaluationDatasetConfiguration]:
    rows = zip(NAMES, TEXTS, NUMBERS, users, (2, 0, 1), strict=True)
    return [
        EvaluationDatasetConfiguration.objects.create(
            playground=playground,
            name=name,
            dataset_id=datasets[place].pk,
            dataset_name=text,
            size=number,
            rows_count=number * 7 % 5,
            prompt_column_name=NAMES[place],
            response_column_name=TEXTS[place],
            created_by=user,
        )
        for name, text, number, user, place in rows
    ]


def test_evaluation_datasets(api, configurations):
    check(
        api,
        "genai/evaluationDatasetConfigurations/",
        "name creationUserId creationDate datasetId datasetName promptColumnName responseColumnName"
        " rowsCount size",
    )


def test_figures_of_evaluations(api, users, playground, configurations, chats):
    ways = ("percentYes", "average", "classPercentCoverage")
    rows = zip(NAMES, TEXTS, NUMBERS, ways, users, configurations[::-1], chats, strict=True)
    for name, text, number, way, user, configuration, chat in rows:
        run = EvaluationRun.objects.create(
            playground=playground,
            configuration=configuration,
            dataset_id=configuration.dataset_id,
            dataset_name=text,
            created_by=user,
        )
        evaluated = EvaluationChat.objects.create(
            run=run, chat=chat, blueprint_version=chat.blueprint.current
        )
        MetricAggregation.objects.create(
            evaluation_chat=evaluated, metric_name=name * 2, aggregation_type=way, value=number
        )

    check(
        api,
        "genai/evaluationDatasetMetricAggregations/",
        "metricName aggregationType aggregationValue llmBlueprintId chatId chatName datasetName"
        " evaluationDatasetConfigurationId creationDate creationUserId",
    )


def test_prompt_templates(api, alice):
    made = [
        api.post("genai/promptTemplates/", {"name": name, "description": text}).json()["id"]
        for name, text in zip(NAMES, TEXTS, strict=True)
    ]
    for place, versions in ((1, 1), (2, 2), (0, 3)):
        for _ in range(versions):
            api.post(f"genai/promptTemplates/{made[place]}/versions/", {"promptText": "x"})

    check(
        api,
        "genai/promptTemplates/",
        "name description creationUserId creationDate lastUpdateUserId lastUpdateDate versionCount",
        same="creationUserId lastUpdateUserId",
    )


def test_what_is_not_sorted_comes_newest_first(api, chats, databases, configurations, playground):
    api.post("genai/comparisonChats/", {"playgroundId": playground.pk, "name": "x"})
    api.post("genai/comparisonChats/", {"playgroundId": playground.pk, "name": "y"})
    for path in (
        "vectorDatabases",
        "llmBlueprints",
        "chats",
        "comparisonChats",
        "evaluationDatasetConfigurations",
    ):
        dates = [one["creationDate"] for one in api.get(f"genai/{path}/").json()["data"]]
        assert len(dates) > 1, path
        assert dates == sorted(dates, reverse=True), path
