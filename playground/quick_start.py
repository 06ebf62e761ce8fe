"""Short ways to begin: from files to something that can be asked, and from a question to a chat."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import User
from accounts.services import require_editor
from blueprints.models import Blueprint
from blueprints.settings import AnswerSettings
from config.errors import InvalidInput
from playground import services
from playground.models import ChatPrompt, Playground
from vectordb import services as vectordb
from vectordb.chunking_settings import ChunkingSettings
from vectordb.models import VectorDatabase
from vectordb.services import AddedFile

_FIRST_BLUEPRINT = "Baseline"


@dataclass(frozen=True, slots=True)
class Started:
    database: VectorDatabase
    refused: list[AddedFile]


def from_files(
    playground: Playground, *, user: User, files: "Iterable[UploadedFile[Any]]"
) -> Started:
    """Make a dataset of the files, a vector database with default settings, and, in a playground
    without blueprints, a first one that uses it. Raises InvalidInput when no file can be used."""
    require_editor(playground.use_case, user)
    dataset = vectordb.create_dataset(
        user=user, name=f"{playground.name}: documents", use_case=playground.use_case
    )
    added = vectordb.add_files(dataset, user=user, files=files)
    refused = [one for one in added if one.error]
    if len(refused) == len(added):
        vectordb.delete_dataset(dataset, user=user)
        reasons = " ".join(f"{one.name}: {one.error}" for one in refused)
        raise InvalidInput(f"None of the files can be used. {reasons}", field="files")
    database = vectordb.create_vector_database(
        user=user,
        use_case=playground.use_case,
        dataset=dataset,
        name=playground.name,
        chunking=ChunkingSettings(),
    )
    if not playground.places.exists():
        services.create_blueprint(
            user=user,
            playground=playground,
            name=_FIRST_BLUEPRINT,
            settings=AnswerSettings(vector_database_id=database.pk),
        )
    return Started(database, refused)


@transaction.atomic
def ask_in_new_chat(
    *, user: User, playground: Playground, blueprint: Blueprint, text: str
) -> ChatPrompt:
    """The first question of a new chat; a refused question leaves no chat behind."""
    chat = services.create_chat(user=user, playground=playground, blueprint=blueprint)
    return services.ask(user=user, chat=chat, text=text)
