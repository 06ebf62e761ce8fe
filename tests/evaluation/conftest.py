"""A playground of alice's, and files for it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import UseCase
from blueprints.models import LLM, LLMEndpoint, Provider
from blueprints.settings import AnswerSettings
from evaluation import configuring
from evaluation.configuring import MetricWish
from evaluation.models import EvaluationChat, EvaluationRun, MetricConfiguration, MetricName
from playground import services as playgrounds
from playground.models import Chat, ChatPrompt, Playground
from tests.llm_server import LLMServer
from vectordb import services as vectordb
from vectordb.models import Dataset


@pytest.fixture(autouse=True)
def _media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def playground(alice, use_case) -> Playground:
    return playgrounds.create_playground(user=alice, use_case=use_case, name="Lamps")


@pytest.fixture
def upload(alice, use_case):
    """Makes a dataset of files by name, in alice's use case unless told otherwise."""

    def make(use_case: UseCase | None = use_case, **files: str | bytes) -> Dataset:
        dataset = vectordb.create_dataset(user=alice, name="Questions", use_case=use_case)
        contents = {
            name: text if isinstance(text, bytes) else text.encode() for name, text in files.items()
        }
        uploads = [
            SimpleUploadedFile(name.replace("_", "."), text) for name, text in contents.items()
        ]
        added = vectordb.add_files(dataset, user=alice, files=uploads)
        assert all(one.document for one in added), added
        return dataset

    return make


@pytest.fixture
def judge_server():
    """Where the judge's opinions come from, apart from the answers."""
    with LLMServer(text='{"reason": "So it is.", "score": 5}') as server:
        yield server


@pytest.fixture
def judge(db, judge_server) -> LLM:
    return LLM.objects.create(
        id="judge",
        label="Judge",
        provider=Provider.OPENAI,
        endpoint=LLMEndpoint.objects.create(name="Judges", base_url=judge_server.base_url),
        model_name="judge-model",
    )


@pytest.fixture
def measure(alice, playground):
    """Configures one metric, guarded where an action is named."""

    def configure(name, *, action="", when=("greaterThan", 0), **more) -> MetricConfiguration:
        if action:
            comparator, comparand = when
            more["moderation"] = {
                "guard_conditions": [{"comparator": comparator, "comparand": comparand}],
                "intervention": {"action": action, "message": f"{name} says no."},
            }
        wish = MetricWish(name=MetricName(name), **more)
        return configuring.configure_metrics(user=alice, playground=playground, wishes=[wish])[0]

    return configure


@pytest.fixture
def chat(alice, playground, llm) -> Chat:
    """Answered by the tests' LLM server, without documents."""
    blueprint = playgrounds.create_blueprint(
        user=alice, playground=playground, name="Bot", settings=AnswerSettings(llm_id=llm.pk)
    )
    return playgrounds.create_chat(user=alice, playground=playground, blueprint=blueprint)


@pytest.fixture
def answered(alice, run_jobs):
    """Asks in a chat, works the queue off, and gives the finished prompt."""

    def ask(chat, text="Which oil?", **more) -> ChatPrompt:
        prompt = playgrounds.ask(user=alice, chat=chat, text=text, **more)
        run_jobs()
        prompt.refresh_from_db()
        return prompt

    return ask


@pytest.fixture
def reading_chat(alice, use_case, playground, llm, upload, run_jobs) -> Chat:
    """Likewise, from one short document."""
    dataset = upload(lamp_md="# Lamps\n\nThe lamps of the north burn rapeseed oil in winter.\n")
    database = vectordb.create_vector_database(user=alice, use_case=use_case, dataset=dataset)
    run_jobs()
    blueprint = playgrounds.create_blueprint(
        user=alice,
        playground=playground,
        name="Reader",
        settings=AnswerSettings(llm_id=llm.pk, vector_database_id=database.pk),
    )
    return playgrounds.create_chat(user=alice, playground=playground, blueprint=blueprint)


@pytest.fixture
def evaluation_chat(alice, playground, chat) -> EvaluationChat:
    """The chat as part of a run whose rows the test makes."""
    run = EvaluationRun.objects.create(
        playground=playground, dataset_id="0" * 24, dataset_name="Questions", created_by=alice
    )
    return EvaluationChat.objects.create(
        run=run, chat=chat, blueprint_version=chat.blueprint.version
    )
