"""Prompts, chats and settings as the chat page shows them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import User
from blueprints.catalogue import EXTRACTIVE_ID
from config.status import Status
from playground import suggesting
from playground.chat.adopting import moved_since
from playground.chat.filters import chips_of
from playground.models import Chat, ChatPrompt, Feedback, Playground, PlaygroundBlueprint
from playground.rendering import render_answer
from playground.support.scores import Tally, can_be_measured, support_from_json, tally_of
from vectordb.models import VectorDatabase

_SHOWN_SOURCES = 3
_CITED_IN = 'data-cite="{}"'
# Of a chat at once: more than a window of it, and quick to show. Scripts add others as one scrolls up.
SHOWN_PROMPTS = 12
_CHECKED_SOON = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with its answer, as one reader sees it."""

    prompt: ChatPrompt
    html: SafeString
    cited: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    more_sources: list[dict[str, Any]]
    thumb: bool | None
    database_name: str
    hue: int
    # The ids of all versions of the answer, the oldest first; empty where there is but this one.
    versions: list[str]
    # The trace; of a copy in a branch that of the original.
    log_id: str | None
    # What is not any more as it was when this was answered.
    moved: list[str]

    @property
    def tally(self) -> Tally | None:
        return tally_of(support_from_json(self.prompt.sentence_support))

    @property
    def suggestions(self) -> str:
        """What there is to say of questions that may follow: that they are `shown`, that they are
        `awaited`, that there are `none` of the built-in LLM; or nothing."""
        prompt = self.prompt
        if prompt.suggested_questions:
            return "shown"
        if prompt.status != Status.COMPLETED or not suggesting.is_wanted(prompt):
            return ""
        if prompt.llm_id == EXTRACTIVE_ID:
            return "none"
        return "awaited" if prompt.suggested_questions is None and self._is_new else ""

    @property
    def _is_new(self) -> bool:
        finished = self.prompt.finished_at
        return finished is not None and timezone.now() - finished < _CHECKED_SOON

    @property
    def is_being_checked(self) -> bool:
        """Whether the support of its sentences may be known any moment."""
        prompt = self.prompt
        if prompt.sentence_support is not None or prompt.copy_of or prompt.blocked_text:
            return False
        return (
            self._is_new
            and prompt.status == Status.COMPLETED
            and can_be_measured(
                llm_id=prompt.llm_id,
                is_frozen=prompt.chat.is_frozen,
                text=prompt.result_text,
                citations=prompt.citations,
            )
        )

    @property
    def all_sources(self) -> list[dict[str, Any]]:
        return [*self.sources, *self.more_sources]

    @property
    def filter_labels(self) -> list[str]:
        return [chip.label for chip in chips_of(self.prompt.metadata_filter)]

    @property
    def version(self) -> int:
        """Which of the versions this is, from 1."""
        return self.versions.index(self.prompt.pk) + 1

    @property
    def previous_version(self) -> str:
        return self.versions[self.version - 2] if self.version > 1 else ""

    @property
    def next_version(self) -> str:
        return self.versions[self.version] if self.version < len(self.versions) else ""

    @property
    def url(self) -> str:
        return _url(self.prompt)

    @property
    def is_stopped(self) -> bool:
        return self.prompt.finish_reason == "stopped"

    @property
    def is_failed(self) -> bool:
        return self.prompt.status in {Status.ERROR, Status.SKIPPED}


@dataclass(frozen=True, slots=True)
class Place:
    """A blueprint in the list at the left; `key` is the digit that chooses it, from 1 to 9."""

    place: PlaygroundBlueprint
    summary: str
    key: int | None


def turns(
    prompts: Iterable[ChatPrompt], *, user: User, hue: int, blind: Collection[str] = ()
) -> list[Turn]:
    """Of those whose ids are in `blind`, it is not told how well passages support them."""
    prompts = list(prompts)
    thumbs = dict(
        Feedback.objects.filter(prompt__in=prompts, user=user).values_list(
            "prompt_id", "is_positive"
        )
    )
    ids = {prompt.vector_database_id for prompt in prompts if prompt.vector_database_id}
    names = dict(VectorDatabase.objects.filter(pk__in=ids).values_list("pk", "name"))
    versions = _versions(prompts)
    logs = _logs_of_copies(prompts)
    moved = moved_since(prompts)
    return [
        _turn(
            prompt,
            thumb=thumbs.get(prompt.pk),
            database_name=names.get(prompt.vector_database_id or "", ""),
            hue=hue,
            versions=versions.get(prompt.question_id, []),
            log_id=prompt.log_id or logs.get(prompt.copy_of),
            moved=moved.get(prompt.pk, []),
            has_support=prompt.pk not in blind,
        )
        for prompt in prompts
    ]


def one_turn(prompt: ChatPrompt, *, user: User) -> Turn:
    return turns([prompt], user=user, hue=hue_of(prompt.chat))[0]


def _versions(prompts: list[ChatPrompt]) -> dict[str, list[str]]:
    """The ids of the versions of each question that was answered more than once."""
    questions = {prompt.question_id for prompt in prompts if prompt.question_id}
    found: dict[str, list[str]] = defaultdict(list)
    if questions:
        rows = ChatPrompt.objects.filter(
            chat__in={prompt.chat_id for prompt in prompts}, question_id__in=questions
        )
        for question_id, pk in rows.order_by("created_at", "id").values_list("question_id", "pk"):
            found[question_id].append(pk)
    return {question_id: ids for question_id, ids in found.items() if len(ids) > 1}


def _logs_of_copies(prompts: list[ChatPrompt]) -> dict[str, str | None]:
    originals = {prompt.copy_of for prompt in prompts if prompt.copy_of}
    if not originals:
        return {}
    return dict(ChatPrompt.objects.filter(pk__in=originals).values_list("pk", "log_id"))


def _turn(
    prompt: ChatPrompt,
    *,
    thumb: bool | None,
    database_name: str,
    hue: int,
    versions: list[str],
    log_id: str | None,
    moved: list[str],
    has_support: bool,
) -> Turn:
    numbers = {citation["number"] for citation in prompt.citations}
    html = render_answer(
        prompt.result_text,
        numbers=numbers,
        url=f"{_url(prompt)}sources/",
        support=support_from_json(prompt.sentence_support) if has_support else [],
    )
    # What the answer cites comes first; the others were read too and can be unfolded.
    ordered = sorted(
        prompt.citations,
        key=lambda item: (_CITED_IN.format(item["number"]) not in html, item["number"]),
    )
    cited = sum(_CITED_IN.format(item["number"]) in html for item in ordered)
    shown = max(_SHOWN_SOURCES, cited)
    return Turn(
        prompt=prompt,
        html=html,
        cited=ordered[:cited],
        sources=ordered[:shown],
        more_sources=ordered[shown:],
        thumb=thumb,
        database_name=database_name,
        hue=hue,
        versions=versions,
        log_id=log_id,
        moved=moved,
    )


def _url(prompt: ChatPrompt) -> str:
    """Results of comparisons have addresses of their own."""
    kind = "results" if prompt.comparison_prompt_id else "prompts"
    return f"/{kind}/{prompt.pk}/"


def hue_of(chat: Chat) -> int:
    place = PlaygroundBlueprint.objects.filter(
        playground=chat.playground_id, blueprint=chat.blueprint_id
    ).first()
    return place.hue if place else 1


def places(playground: Playground) -> list[Place]:
    rows = playground.places.select_related(
        "blueprint__version__llm", "blueprint__version__vector_database"
    )
    return [
        Place(place, _summary(place), number if number <= 9 else None)
        for number, place in enumerate(rows, start=1)
    ]


def _summary(place: PlaygroundBlueprint) -> str:
    """`gpt-4o-mini · handbook · 3±1`: the LLM, the database, and the chunks it is given."""
    version = place.blueprint.current
    parts = [version.llm.label if version.llm else "LLM is gone"]
    if version.vector_database is not None:
        retrieval = version.retrieval_parameters
        neighbours = "±1" if retrieval.add_neighbor_chunks else " chunks"
        parts += [version.vector_database.name, f"{retrieval.documents}{neighbours}"]
    return " · ".join(parts)
