import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from blueprints.settings import AnswerSettings
from config.status import Status
from playground import services
from playground.models import Chat, Playground
from vectordb import services as vectordb
from vectordb.chunking_settings import ChunkingSettings
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings

RETURNS = (
    "# Returns\n\nOpened items can be returned for store credit until day 60 after delivery.\n"
)
SHIPPING = "# Shipping\n\nParcels leave the warehouse within one working day and are insured.\n"


@pytest.fixture
def playground(alice, use_case) -> Playground:
    return services.create_playground(user=alice, use_case=use_case, name="Support bot")


@pytest.fixture
def handbook(alice, use_case, run_jobs) -> VectorDatabase:
    """Two short documents, built by the real pipeline."""
    dataset = vectordb.create_dataset(user=alice, name="Handbook", use_case=use_case)
    files = [
        SimpleUploadedFile("returns.md", RETURNS.encode()),
        SimpleUploadedFile("shipping.md", SHIPPING.encode()),
    ]
    vectordb.add_files(dataset, user=alice, files=files)
    database = vectordb.create_vector_database(
        user=alice, use_case=use_case, dataset=dataset, chunking=ChunkingSettings()
    )
    run_jobs()
    database.refresh_from_db()
    assert database.status == Status.COMPLETED, database.error_message
    return database


@pytest.fixture
def chat_with(alice, playground):
    """Makes a chat with a new blueprint of these settings."""

    def make(**settings) -> Chat:
        blueprint = services.create_blueprint(
            user=alice, playground=playground, name="Bot", settings=AnswerSettings(**settings)
        )
        return services.create_chat(user=alice, playground=playground, blueprint=blueprint)

    return make


@pytest.fixture
def chat(chat_with, llm):
    """Answered by the tests' LLM server, without documents."""
    return chat_with(llm_id=llm.pk)


@pytest.fixture
def reading_chat(chat_with, llm, handbook):
    """Answered by the tests' LLM server, from the handbook."""
    return chat_with(
        llm_id=llm.pk,
        vector_database_id=handbook.pk,
        retrieval_settings=RetrievalSettings(max_documents_retrieved_per_prompt=1),
    )
