"""The real `datarobot` package against one running Groundwork.

`groundwork` is the product with the tests' LLM server behind it (the one that the crash tests kill
parts of, which come back); `client` makes the package speak to it as alice. Tests make what they need
and share only `library`, a vector database that is built once.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datarobot as dr
import pytest
from datarobot.client import client_configuration, get_client
from datarobot.models.genai.chat import Chat
from datarobot.models.genai.llm_blueprint import LLMBlueprint
from datarobot.models.genai.playground import Playground
from datarobot.models.genai.vector_database import VectorDatabase

from tests.llm_server import LLMServer
from tests.stack import Stack
from tests.visitors import Person, wait_for

LIBRARY = """\
document,document_file_path,topic,year
The lighthouse lamps of the north burn rapeseed oil.,north.txt,lamps,1850
The lighthouse lamps of the south burn whale oil.,south.txt,lamps,1820
The keeper is paid eleven pounds each quarter.,wages.txt,money,1850
"""


@pytest.fixture
def groundwork(whole_stack: Stack) -> Iterator[Stack]:
    """Ready, and its LLM server answers well unless the test says otherwise."""
    whole_stack.running.wait_until_ready()
    whole_stack.llm.answer_well()
    yield whole_stack
    whole_stack.llm.answer_well()


@pytest.fixture
def llm(groundwork: Stack) -> LLMServer:
    """`llm.script(Behaviour(...))` or `llm.always = Behaviour(...)` for other answers than the usual,
    `llm.prompts[-1]` for what it was sent."""
    return groundwork.llm


@pytest.fixture
def client(groundwork: Stack) -> Iterator[Any]:
    """The package's client, as alice; every class of the package uses it."""
    with as_person(groundwork, groundwork.alice):
        yield get_client()


def as_person(groundwork: Stack, person: Person) -> Any:
    """Within it every class of the package speaks for this person."""
    return client_configuration(endpoint=f"{groundwork.running.url}/api/v2", token=person.token)


@dataclass(frozen=True)
class Library:
    """Three short documents with the metadata columns `topic` and `year`."""

    use_case: str
    dataset: str
    vector_database: str


@pytest.fixture(scope="session")
def library(whole_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """In the use case that alice shares with vera."""
    path = tmp_path_factory.mktemp("library") / "library.csv"
    path.write_text(LIBRARY)
    with as_person(whole_stack, whole_stack.alice):
        use_case = dr.UseCase.get(whole_stack.use_case)
        dataset = uploaded(path, use_case)
        database = built(VectorDatabase.create(dataset.id, use_case=use_case))
    return Library(use_case.id, dataset.id, database.id)


def uploaded(path: Path, use_case: dr.UseCase) -> dr.Dataset:
    """A dataset of this file. With `file_path=` the package would leave the file open."""
    with path.open("rb") as file:
        return dr.Dataset.create_from_file(filelike=file, use_cases=use_case)


def built(database: VectorDatabase) -> VectorDatabase:
    """The vector database once it is complete, waited for as users do."""

    def ended() -> VectorDatabase | None:
        found = VectorDatabase.get(database.id)
        time.sleep(0.1)  # one question after the other, not one on top of the other
        return found if found.execution_status in {"COMPLETED", "ERROR"} else None

    done: VectorDatabase = wait_for(ended, "the vector database")
    assert done.execution_status == "COMPLETED", done.error_message
    return done


@pytest.fixture
def llm_id(client: Any) -> Any:
    """The LLM that the LLM server answers for."""
    found = [one.id for one in dr.genai.LLMDefinition.list(as_dict=False)]
    return next(one for one in found if one.endswith("test-model"))


@pytest.fixture
def use_case(client: Any) -> Iterator[dr.UseCase]:
    """One of the test's own; deleted afterwards."""
    made = dr.UseCase.create(name="Lighthouses", description="Of the north and of the south")
    yield made
    if made.id in {one.id for one in dr.UseCase.list()}:
        dr.UseCase.delete(made.id)


@pytest.fixture
def playground(client: Any, use_case: dr.UseCase) -> Playground:
    return Playground.create(name="Lamps", use_case=use_case)


@pytest.fixture
def make_blueprint(playground: Playground, llm_id: str) -> Callable[..., LLMBlueprint]:
    """Makes a blueprint in `playground`, with the LLM server's LLM unless told otherwise."""

    def make(name: str = "Baseline", **settings: Any) -> LLMBlueprint:
        given: dict[str, Any] = {"llm": llm_id} | settings
        return LLMBlueprint.create(playground=playground, name=name, **given)

    return make


@pytest.fixture
def blueprint(make_blueprint: Callable[..., LLMBlueprint]) -> LLMBlueprint:
    return make_blueprint()


@pytest.fixture
def chat(blueprint: LLMBlueprint) -> Chat:
    return Chat.create(name="First", llm_blueprint=blueprint)


@pytest.fixture
def upload(client: Any, use_case: dr.UseCase, tmp_path: Path) -> Callable[..., dr.Dataset]:
    """Makes a dataset of one file in `use_case`: `upload("library.csv", LIBRARY)`."""

    def make(name: str, content: str | bytes) -> dr.Dataset:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return uploaded(path, use_case)

    return make
