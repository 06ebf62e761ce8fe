"""Loading the sample: a use case in which everything can be tried at once.

Each step is done in one transaction and looks for what is there by name, so that loading which was
interrupted goes on where it stopped. Between the steps a worker builds and answers.
"""

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from accounts import services as accounts
from accounts.models import UseCase, User
from blueprints.catalogue import EXTRACTIVE_ID, FALLBACK_MODEL
from blueprints.models import LLM, EndpointSource, Provider
from blueprints.settings import AnswerSettings
from config.errors import Conflict
from config.status import UNFINISHED, Status
from playground import services
from playground.models import Chat, ChatPrompt, Playground, Sample
from playground.sample import DOCUMENTS, document_names
from vectordb import services as vectordb
from vectordb.chunking_settings import ChunkingSettings
from vectordb.models import Dataset, VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings

USE_CASE = "Getting started"
HANDBOOK = "Shop handbook"
CHAT = "First questions"
QUESTIONS = (
    "How long can an opened espresso machine be returned, and what is the handling fee?",
    "Can I pay for a subscription with a gift card?",
)
# Good next questions, here with the documents in which the answers stand.
SUGGESTIONS = {
    "How soon is a damaged product replaced?": ("damage-in-transit",),
    "Until when must an express order be placed?": ("shipping",),
    "How long is a gift card valid?": ("gift-cards",),
    "When is the shop open on Thursdays?": ("opening-hours-and-contact",),
    "By when must damage to a parcel be reported, and which photographs are needed?": (
        "damage-in-transit",
    ),
    "How often must an espresso machine be descaled with hard water?": ("product-care",),
    "How long may Gold members of the Kettle Club return unopened goods?": (
        "returns-and-refunds",
        "kettle-club",
    ),
    "What does a loan machine cost during a repair?": ("repairs", "warranty"),
}
# Small chunks, so that a rule and its exception often stand in neighbouring ones.
CHUNKING = ChunkingSettings(chunk_size=160, chunk_overlap_percentage=10)

_DESCRIPTION = (
    "The handbook of Pipit & Kettle, an invented shop for coffee machines. "
    "Ask all three blueprints the same question and compare. Try: "
)
_GIVEN_UP = "The sample's use case was deleted while it was being loaded."


@dataclass(frozen=True, slots=True)
class Wait:
    """What a worker is at work on, and whether it is done with it."""

    what: str
    is_over: Callable[[], bool]


def is_wanted() -> bool:
    """Whether loading has something to do: nobody began anything here, or loading broke off."""
    sample = Sample.objects.first()
    if sample is None:
        return not UseCase.objects.exists()
    return sample.finished_at is None and sample.use_case_id is not None


def load(*, user: User) -> Generator[Wait, None, None]:
    """Load the sample for `user`, or go on where an earlier call stopped, for the user of then.

    Whoever runs this waits at each Wait until it is over. Raises Conflict when the worker failed
    or somebody deleted the use case meanwhile; another call tries again what failed.
    """
    _begin(user)
    _add_documents()
    database_id = _build_database()
    yield Wait("the vector database", partial(_is_built, database_id))
    _require_built(database_id)
    _make_blueprints(database_id)
    # One after the other, as a person would.
    for question in QUESTIONS:
        prompt_id = _ask(question)
        yield Wait(f"the answer to “{question}”", partial(_is_answered, prompt_id))
        _require_answered(prompt_id)
    _finish()


@transaction.atomic
def _begin(user: User) -> None:
    # A second loader waits here for the first, and then finds its use case.
    sample, is_new = Sample.objects.get_or_create(pk=1)
    if is_new:
        sample.use_case = accounts.create_use_case(
            user=user,
            name=USE_CASE,
            description="A small handbook to ask questions about, and three ways to answer them.",
        )
        sample.save()


@contextlib.contextmanager
def _step() -> Iterator[tuple[UseCase, User]]:
    """The sample's use case and its owner, locked against other loaders, in a transaction."""
    with transaction.atomic():
        sample = Sample.objects.select_for_update().get(pk=1)
        use_case = UseCase.objects.filter(pk=sample.use_case_id).first()
        if use_case is None:
            raise Conflict(_GIVEN_UP)
        yield use_case, use_case.created_by


def _add_documents() -> None:
    with _step() as (use_case, user):
        if use_case.datasets.filter(name=HANDBOOK).exists():
            return
        dataset = vectordb.create_dataset(user=user, name=HANDBOOK, use_case=use_case)
        files = [
            SimpleUploadedFile(name, (DOCUMENTS / name).read_bytes()) for name in document_names()
        ]
        for added in vectordb.add_files(dataset, user=user, files=files):
            if added.error:
                raise Conflict(f"{added.name}: {added.error}")


def _build_database() -> str:
    with _step() as (use_case, user):
        database = use_case.vector_databases.filter(name=HANDBOOK).first()
        if database is not None and database.status in (Status.ERROR, Status.CANCELLED):
            vectordb.delete_vector_database(database, user=user)
            database = None
        if database is None:
            database = vectordb.create_vector_database(
                user=user,
                use_case=use_case,
                dataset=Dataset.objects.get(use_cases=use_case, name=HANDBOOK),
                name=HANDBOOK,
                chunking=CHUNKING,
            )
        return database.pk


def _is_built(database_id: str) -> bool:
    return not VectorDatabase.objects.filter(pk=database_id, status__in=UNFINISHED).exists()


def _require_built(database_id: str) -> None:
    database = VectorDatabase.objects.filter(pk=database_id).first()
    if database is None or database.status != Status.COMPLETED:
        reason = database.error_message if database else "It was deleted."
        raise Conflict(f"The sample's vector database was not built. {reason}")


def _make_blueprints(database_id: str) -> None:
    with _step() as (use_case, user):
        if use_case.playgrounds.filter(name=HANDBOOK).exists():
            return
        playground = services.create_playground(
            user=user,
            use_case=use_case,
            name=HANDBOOK,
            description=_DESCRIPTION + " ".join(f"“{question}”" for question in SUGGESTIONS),
        )
        for name, description, settings in _blueprints(database_id):
            services.create_blueprint(
                user=user,
                playground=playground,
                name=name,
                description=description,
                settings=settings,
            )


def _blueprints(database_id: str) -> list[tuple[str, str, AnswerSettings]]:
    """Name, description and settings of each, in the order in which they are shown."""

    def settings(llm_id: str, **retrieval: int | bool) -> AnswerSettings:
        return AnswerSettings(
            llm_id=llm_id,
            vector_database_id=database_id,
            retrieval_settings=RetrievalSettings.from_json(retrieval),
        )

    return [
        (
            "Baseline",
            "The four nearest chunks, quoted by the built-in LLM.",
            settings(EXTRACTIVE_ID, max_documents_retrieved_per_prompt=4),
        ),
        (
            "Neighbours on",
            "Three chunks, each with the ones before and after it: an exception often stands next "
            "to its rule.",
            settings(EXTRACTIVE_ID, max_documents_retrieved_per_prompt=3, add_neighbor_chunks=True),
        ),
        (
            "Wide and capped",
            "Eight chunks, as far as they fit into 1,024 tokens. Answered by a real LLM where one "
            "was found when the sample was loaded.",
            settings(_best_llm_id(), max_documents_retrieved_per_prompt=8, max_tokens=1_024),
        ),
    ]


def _best_llm_id() -> str:
    """One of a server on this machine, which costs nothing, else one of the environment's."""
    llms = LLM.objects.usable().exclude(provider=Provider.EXTRACTIVE)
    llm = (
        llms.filter(endpoint__source=EndpointSource.DISCOVERED).first()
        or llms.filter(model_name=FALLBACK_MODEL).first()
        or llms.first()
    )
    return llm.pk if llm else EXTRACTIVE_ID


def _ask(question: str) -> str:
    with _step() as (use_case, user):
        playground = Playground.objects.get(use_case=use_case, name=HANDBOOK)
        chat = playground.chats.conversations().filter(name=CHAT).first() or _make_chat(
            playground, user
        )
        prompt = chat.prompts.filter(text=question).first()
        if prompt is None:
            prompt = services.ask(user=user, chat=chat, text=question)
        elif prompt.status == Status.ERROR:
            services.retry(prompt, user=user)
        return prompt.pk


def _make_chat(playground: Playground, user: User) -> Chat:
    baseline = playground.places.select_related("blueprint")[0].blueprint
    return services.create_chat(user=user, playground=playground, blueprint=baseline, name=CHAT)


def _is_answered(prompt_id: str) -> bool:
    return not ChatPrompt.objects.unfinished().filter(pk=prompt_id).exists()


def _require_answered(prompt_id: str) -> None:
    prompt = ChatPrompt.objects.filter(pk=prompt_id).first()
    if prompt is not None and prompt.status == Status.ERROR:
        raise Conflict(f"“{prompt.text}” was not answered. {prompt.error_message}")


def _finish() -> None:
    with _step():
        Sample.objects.update(finished_at=timezone.now())
