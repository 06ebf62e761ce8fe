"""What the command palette finds: things by their names, and what can be done."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import UseCase, User
from blueprints.models import Blueprint
from config.storable import storable
from playground.models import Chat, Playground
from tracing.log_pages import bounded
from vectordb.models import Document, VectorDatabase

_MOST_OF_A_KIND = 6
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Item:
    """Something to go to; `detail` tells it from others of the same name."""

    label: str
    detail: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    items: Sequence[Item]


def find(user: User, text: str, *, use_case: UseCase | None) -> list[Group]:
    """What has every word of `text` in its name, the newest first and a few of each kind. Without a
    text these are the newest of all. `use_case` is where the reader stands. Raises Conflict where it
    takes too long."""
    with bounded("type more letters."):
        return _groups(user, text, use_case)


def _groups(user: User, text: str, use_case: UseCase | None) -> list[Group]:
    words = storable(text).split()[:_MOST_WORDS]
    groups = [
        Group("Actions", list(_actions(user, words, use_case))),
        Group("Playgrounds", _found(_playgrounds(user), words, _playground)),
        Group("Chats", _found(_chats(user), words, _chat)),
        Group("Blueprints", _found(_blueprints(user), words, _blueprint)),
        Group("Vector databases", _found(_databases(user), words, _database)),
        Group("Documents", _found(_documents(user), words, _document)),
    ]
    return [group for group in groups if group.items]


def _found(rows: "QuerySet[Any]", words: Sequence[str], item: Callable[[Any], Item]) -> list[Item]:
    named = reduce(and_, (Q(name__icontains=word) for word in words), Q())
    return [item(row) for row in rows.filter(named)[:_MOST_OF_A_KIND]]


def _playgrounds(user: User) -> QuerySet[Playground]:
    rows = Playground.objects.visible_to(user).select_related("use_case")
    return rows.order_by("-created_at", "-id")


def _playground(row: Playground) -> Item:
    return Item(row.name, row.use_case.name, reverse("playground:playground-detail", args=[row.pk]))


def _chats(user: User) -> QuerySet[Chat]:
    rows = Chat.objects.visible_to(user).select_related("playground", "blueprint")
    return rows.order_by("-created_at", "-id")


def _chat(row: Chat) -> Item:
    detail = f"{row.playground.name} · {row.blueprint.name}"
    return Item(row.name, detail, reverse("playground:chat-detail", args=[row.pk]))


def _blueprints(user: User) -> QuerySet[Blueprint]:
    """Those that stand in a playground, which is where they are shown."""
    rows = Blueprint.objects.visible_to(user).filter(playgrounds__isnull=False)
    return rows.distinct().prefetch_related("playgrounds").order_by("-created_at", "-id")


def _blueprint(row: Blueprint) -> Item:
    playground = row.playgrounds.all()[0]
    url = reverse("playground:playground-detail", args=[playground.pk])
    return Item(row.name, playground.name, f"{url}?blueprint={row.pk}")


def _databases(user: User) -> QuerySet[VectorDatabase]:
    rows = VectorDatabase.objects.visible_to(user).select_related("use_case")
    return rows.order_by("-created_at", "-id")


def _database(row: VectorDatabase) -> Item:
    detail = f"{row.use_case.name} · version {row.version}"
    return Item(row.name, detail, reverse("vectordb:vector-database-detail", args=[row.pk]))


def _documents(user: User) -> QuerySet[Document]:
    rows = Document.objects.visible_to(user).select_related("dataset")
    return rows.order_by("-created_at", "-id")


def _document(row: Document) -> Item:
    url = reverse("vectordb:dataset-detail", args=[row.dataset_id])
    return Item(row.name, row.dataset.name, url)


def _actions(user: User, words: Sequence[str], use_case: UseCase | None) -> Iterable[Item]:
    for item in _all_actions(user, use_case):
        name = f"{item.label} {item.detail}".casefold()
        if all(word.casefold() in name for word in words):
            yield item


def _all_actions(user: User, use_case: UseCase | None) -> Iterable[Item]:
    if use_case is not None:
        for label, name in (
            ("Search chats", "playground:chat-search"),
            ("New playground", "playground:playground-create"),
            ("New dataset", "vectordb:dataset-create"),
            ("Prompts", "playground:path-list"),
            ("Traces", "tracing:log-list"),
            ("Charts of calls", "tracing:log-charts"),
            ("Question sets", "evaluation:question-set-list"),
            ("Sources", "vectordb:source-list"),
        ):
            yield Item(label, use_case.name, reverse(name, args=[use_case.pk]))
    yield Item("New use case", "", reverse("accounts:use-case-create"))
    yield Item("Use cases", "", reverse("playground:home"))
    yield Item("API tokens", "", reverse("accounts:token-list"))
    yield Item("API documentation", "", "/api/docs/")
    if user.is_staff:
        yield Item("LLM endpoints", "", reverse("blueprints:endpoint-list"))
        yield Item("Embedding models", "", reverse("vectordb:embedding-list"))
