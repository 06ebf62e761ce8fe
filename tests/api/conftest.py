"""Alice's things, and a client for each of the cast that speaks as the API's clients do."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from accounts.services import create_token
from blueprints.catalogue import built_in_llm
from blueprints.models import LLM, Blueprint
from blueprints.settings import AnswerSettings
from config.status import Status
from playground import services
from playground.models import Chat, ChatPrompt, Playground
from vectordb import services as vectordb
from vectordb.models import Dataset, VectorDatabase


@dataclass
class Api:
    """Requests below /api/v2/ with a token; JSON in, responses of Django's test client out."""

    token: str | None
    scheme: str = "Bearer"
    cookies: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str, body: Any = None, **extra: Any) -> Any:
        headers = {"authorization": f"{self.scheme} {self.token}"} if self.token else {}
        if body is not None:
            extra |= {"data": json.dumps(body), "content_type": "application/json"}
        client = Client(raise_request_exception=False)
        client.cookies.load(self.cookies)
        return getattr(client, method)(f"/api/v2/{path}", headers=headers, **extra)

    def get(self, path: str, query: Any = None) -> Any:
        return self.request("get", path, **({"query_params": query} if query else {}))

    def post(self, path: str, body: Any = None) -> Any:
        return self.request("post", path, body)

    def patch(self, path: str, body: Any) -> Any:
        return self.request("patch", path, body)

    def delete(self, path: str) -> Any:
        return self.request("delete", path)

    def upload(self, *files: SimpleUploadedFile) -> Any:
        return self.request("post", "datasets/fromFile/", data={"file": list(files)})


def api_of(user: User) -> Api:
    return Api(create_token(user=user, name="tests")[1])


@pytest.fixture(autouse=True)
def _media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def api(alice) -> Api:
    return api_of(alice)


@pytest.fixture
def bob_api(bob) -> Api:
    return api_of(bob)


@pytest.fixture
def vera_api(vera) -> Api:
    return api_of(vera)


@pytest.fixture
def llm(db) -> LLM:
    return built_in_llm()


@pytest.fixture
def dataset(alice, use_case) -> Dataset:
    dataset = vectordb.create_dataset(user=alice, name="Handbook", use_case=use_case)
    text = SimpleUploadedFile("oil.txt", b"The lamps burn rapeseed oil.")
    vectordb.add_files(dataset, user=alice, files=[text])
    return dataset


@pytest.fixture
def database(alice, use_case, dataset) -> VectorDatabase:
    """Said to be complete; what needs its chunks runs the jobs instead."""
    database = vectordb.create_vector_database(user=alice, use_case=use_case, dataset=dataset)
    VectorDatabase.objects.filter(pk=database.pk).update(status=Status.COMPLETED)
    database.refresh_from_db()
    return database


@pytest.fixture
def playground(alice, use_case) -> Playground:
    return services.create_playground(user=alice, use_case=use_case, name="Lamps")


@pytest.fixture
def blueprint(alice, playground, llm) -> Blueprint:
    return services.create_blueprint(
        user=alice, playground=playground, name="Baseline", settings=AnswerSettings(llm_id=llm.pk)
    )


@pytest.fixture
def chat(alice, playground, blueprint) -> Chat:
    return services.create_chat(
        user=alice, playground=playground, blueprint=blueprint, name="First"
    )


@pytest.fixture
def prompt(alice, chat) -> ChatPrompt:
    return services.ask(user=alice, text="Which oil?", chat=chat)


@pytest.fixture
def answered(prompt: ChatPrompt) -> ChatPrompt:
    """The prompt with an answer, as a worker leaves it."""
    ChatPrompt.objects.filter(pk=prompt.pk).update(
        status=Status.COMPLETED,
        result_text="Rapeseed oil. [1]",
        latency_ms=811.6,
        input_tokens=140,
        output_tokens=5,
        docs_tokens=96,
        cost="0.00012",
        final_prompt=[{"role": "user", "content": "Which oil?"}],
        citations=[CITATION, CITATION | {"text": " ", "number": 2}],
    )
    prompt.refresh_from_db()
    return prompt


CITATION = {
    "number": 1,
    "chunk_id": 1_000_017,
    "document_id": "66c9ea1a0000000000000001",
    "source": "north.md",
    "page": None,
    "start": 4210,
    "end": 4300,
    "text": "The lamp burns rapeseed oil.",
    "similarity": 0.83,
    "rank": 1,
    "is_neighbor": False,
    "is_cut": False,
    "token_count": 7,
    "metadata": {"File Name": "north.md", "snake_case": 1},
}


def problems(response: Any) -> list[tuple[list[str | int], str]]:
    """(loc, type) of each entry of a 422, sorted by loc."""
    assert response.status_code == 422, response.content
    assert response["Content-Type"] == "application/json"
    found = response.json()["detail"]
    assert all(set(entry) == {"loc", "msg", "type"} and entry["msg"] for entry in found)
    return sorted(((entry["loc"], entry["type"]) for entry in found), key=str)
