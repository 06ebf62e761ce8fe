"""A use case with one of everything, so that every page has something to show."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts import services as accounts
from accounts.models import UseCase
from blueprints.models import LLM, Blueprint, LLMEndpoint
from blueprints.settings import AnswerSettings
from config.status import Status
from playground import retrieval_tests, services
from playground.models import Chat, ChatPrompt, GoldQuestion, Playground, RetrievalTest
from playground.retrieval_tests import SideWish
from tracing import services as tracing
from tracing.models import Log, LogKind
from tracing.services import Step
from vectordb import services as vectordb
from vectordb.chunking_settings import ChunkingSettings
from vectordb.models import Dataset, Document, EmbeddingEntry, VectorDatabase

HTMX = {"hx-request": "true"}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@dataclass(frozen=True)
class World:
    use_case: UseCase
    dataset: Dataset
    document: Document
    database: VectorDatabase
    playground: Playground
    blueprint: Blueprint
    chat: Chat
    prompt: ChatPrompt
    log: Log
    gold: GoldQuestion
    test: RetrievalTest


@pytest.fixture
def world(alice, use_case) -> World:
    """Alice's. The answer is written by hand; no worker runs."""
    dataset = vectordb.create_dataset(user=alice, name="Handbook", use_case=use_case)
    file = SimpleUploadedFile("returns.md", b"# Returns\n\nWithin thirty days of delivery.\n")
    [added] = vectordb.add_files(dataset, user=alice, files=[file])
    assert added.document is not None
    database = vectordb.create_vector_database(
        user=alice, use_case=use_case, dataset=dataset, name="Book", chunking=ChunkingSettings()
    )
    VectorDatabase.objects.filter(pk=database.pk).update(status=Status.COMPLETED, chunks_count=1)
    playground = services.create_playground(user=alice, use_case=use_case, name="Refund bot")
    blueprint = services.create_blueprint(
        user=alice,
        playground=playground,
        name="Baseline",
        settings=AnswerSettings(vector_database_id=database.pk),
    )
    chat = services.create_chat(user=alice, playground=playground, blueprint=blueprint)
    prompt = services.ask(user=alice, chat=chat, text="How long may I wait?")
    chat.refresh_from_db()
    log = _answer(prompt, added.document, use_case)
    prompt.refresh_from_db()
    services.label_passage(prompt, 1, user=alice, is_relevant=True)
    return World(
        use_case=use_case,
        dataset=dataset,
        document=added.document,
        database=database,
        playground=playground,
        blueprint=blueprint,
        chat=chat,
        prompt=prompt,
        log=log,
        gold=GoldQuestion.objects.get(),
        test=_retrieval_test(database),
    )


def _answer(prompt: ChatPrompt, document: Document, use_case: UseCase) -> Log:
    citation = {
        "number": 1,
        "chunk_id": 1_000_000,
        "document_id": document.pk,
        "source": document.name,
        "page": 4,
        "start": 0,
        "end": 32,
        "text": "Within thirty days of delivery.",
        "similarity": 0.91,
        "rank": 1,
        "is_neighbor": False,
        "is_cut": False,
        "token_count": 6,
        "metadata": {"headings": "Returns > Deadlines"},
    }
    now = timezone.now()
    figures: dict[str, Any] = {"status": Status.COMPLETED, "latency_ms": 1240.0}
    root = Step(
        kind=LogKind.ANSWER,
        started_at=now,
        ended_at=now,
        inputs={"question": prompt.text, "prompt_type": "CHAT_HISTORY_AWARE"},
        text="Thirty days [1].",
        **figures,
    )
    stage = {"name": "similarity", "entered": 7, "left": 1, "milliseconds": 2.5, "note": "exact"}
    explain = {
        "query": prompt.text,
        "search": "exact",
        "stages": [stage],
        "passages": [{"chunk_id": 1_000_000, "similarity": 0.91, "rank": 1, "token_count": 6}],
    }
    retrieve = Step(
        kind=LogKind.RETRIEVE,
        started_at=now,
        ended_at=now,
        output={"explain": explain, "citations": [citation]},
        **figures,
    )
    generate = Step(
        kind=LogKind.GENERATE,
        started_at=now,
        ended_at=now,
        inputs={"messages": [{"role": "system", "content": "Answer from <source> only."}]},
        text="Thirty days [1].",
        **figures,
    )
    log = tracing.record(
        use_case_id=use_case.pk,
        user_id=prompt.created_by_id,
        blueprint_id=None,
        blueprint_version_id=None,
        root=root,
        children=[retrieve, generate],
    )
    ChatPrompt.objects.filter(pk=prompt.pk).update(
        status=Status.COMPLETED,
        result_text="Thirty days [1].",
        citations=[citation],
        latency_ms=1240,
        first_token_ms=310,
        input_tokens=1812,
        output_tokens=96,
        cost="0.0003",
        log=log,
        finished_at=now,
    )
    return log


def _retrieval_test(database: VectorDatabase) -> RetrievalTest:
    database.refresh_from_db()
    return retrieval_tests.create_test(
        user=database.created_by,
        database=database,
        text="Within how many days?",
        sides=[SideWish("Own settings", AnswerSettings())],
    )


@pytest.fixture
def token(alice):
    return accounts.create_token(user=alice, name="CI")[0]


@pytest.fixture
def staff(alice):
    alice.is_staff = True
    alice.save()
    return alice


@pytest.fixture
def endpoint(db) -> LLMEndpoint:
    return LLMEndpoint.objects.create(name="Lab", base_url="http://127.0.0.1:9/v1")


@pytest.fixture
def endpoint_llm(endpoint) -> LLM:
    return LLM.objects.create(
        id="lab/one", label="One", provider="openai", endpoint=endpoint, model_name="one"
    )


@pytest.fixture
def embedding(alice) -> EmbeddingEntry:
    """A model behind an address where nobody answers."""
    return EmbeddingEntry.objects.create(
        name="lab/embedder",
        kind="endpoint",
        source="embedder",
        status=Status.COMPLETED,
        base_url="http://127.0.0.1:9/v1",
        max_tokens=512,
        dimensions=3,
        probe=[1.0, 0.0, 0.0],
        created_by=alice,
    )
