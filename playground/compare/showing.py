"""Questions and their answers side by side, as one reader may see them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Prefetch, QuerySet
from django.utils.crypto import salted_hmac

from accounts.models import User
from blueprints.models import LLM
from playground.compare.figures import Figure, figures_of
from playground.compare.warnings import changed_since, corpus_warnings
from playground.models import (
    ChatPrompt,
    ComparisonChat,
    ComparisonPrompt,
    PlaygroundBlueprint,
    Preference,
)
from playground.presenting import Turn, turns
from vectordb.models import VectorDatabase

_NOTHING = "There is no answer."
_MASKED_ERROR = "There is no answer. What went wrong is shown after your vote."


@dataclass(frozen=True, slots=True)
class Side:
    """One answer of several. `number` is its place, and the key that chooses it from 1 to 9. Of a
    masked one nothing tells whose it is: neither name nor figures, and `hue` is 0. A blueprint that
    was not asked has no `turn`. `admirers` are others who like it best."""

    number: int
    name: str
    hue: int = 0
    llm: str = ""
    turn: Turn | None = None
    is_masked: bool = False
    figures: list[Figure] = field(default_factory=list)
    warning: str = ""
    error: str = ""
    admirers: list[str] = field(default_factory=list)
    is_mine: bool = False

    @property
    def key(self) -> int | None:
        return self.number if self.number <= 9 else None


@dataclass(frozen=True, slots=True)
class Shown:
    """A question. `tied` are others who found no answer better than the others."""

    question: ComparisonPrompt
    sides: list[Side]
    is_masked: bool
    is_running: bool
    has_voted: bool
    is_tie: bool
    tied: list[str]
    warnings: list[str]

    @property
    def can_vote(self) -> bool:
        return not self.is_running and any(one.turn and one.turn.html for one in self.sides)

    @property
    def seen(self) -> str:
        """The ids of the answers, which a vote is between."""
        return ",".join(one.turn.prompt.pk for one in self.sides if one.turn)

    @property
    def can_differ(self) -> bool:
        return sum(bool(one.turn and one.turn.prompt.is_finished) for one in self.sides) > 1


def questions_of(comparison: ComparisonChat) -> QuerySet[ComparisonPrompt]:
    """With all that is shown of them, in a constant number of queries."""
    results = ChatPrompt.objects.select_related("chat", "blueprint_version").defer("final_prompt")
    votes = Preference.objects.select_related("user").order_by("updated_at", "pk")
    return comparison.prompts.prefetch_related(
        Prefetch("results", queryset=results), Prefetch("preferences", queryset=votes)
    ).order_by("created_at", "pk")


def places_of(comparison: ComparisonChat) -> list[PlaygroundBlueprint]:
    """Of those whose columns are shown."""
    members = comparison.blueprints.all()
    places = comparison.playground.places.filter(blueprint__in=members)
    return list(places.select_related("blueprint__version"))


@dataclass(frozen=True, slots=True)
class _Known:
    """What is shown of all questions of a comparison to one reader, looked up once."""

    comparison: ComparisonChat
    user: User
    places: list[PlaygroundBlueprint]
    turns: dict[str, Turn]
    llm_labels: dict[str, str]
    databases: dict[str, VectorDatabase]


def shown(
    comparison: ComparisonChat, questions: Iterable[ComparisonPrompt], *, user: User
) -> list[Shown]:
    questions = list(questions)
    results = [result for question in questions for result in question.results.all()]
    llms = LLM.objects.filter(pk__in={result.llm_id for result in results})
    read = {result.vector_database_id for result in results if result.vector_database_id}
    masked = [question for question in questions if _is_masked(question, comparison, user)]
    blind = {result.pk for question in masked for result in question.results.all()}
    known = _Known(
        comparison=comparison,
        user=user,
        places=places_of(comparison),
        turns={turn.prompt.pk: turn for turn in turns(results, user=user, hue=0, blind=blind)},
        llm_labels=dict(llms.values_list("pk", "label")),
        databases=VectorDatabase.objects.in_bulk(read),
    )
    return [_shown(question, known) for question in questions]


def _is_masked(question: ComparisonPrompt, comparison: ComparisonChat, user: User) -> bool:
    votes = question.preferences.all()
    return comparison.is_blind and all(vote.user_id != user.pk for vote in votes)


def _shown(question: ComparisonPrompt, known: _Known) -> Shown:
    votes = list(question.preferences.all())
    mine = next((vote for vote in votes if vote.user_id == known.user.pk), None)
    others = [vote for vote in votes if vote is not mine]
    is_masked = _is_masked(question, known.comparison, known.user)
    by_blueprint = {result.chat.blueprint_id: result for result in question.results.all()}
    places = known.places
    if known.comparison.is_blind:
        places = sorted(places, key=lambda place: _lot(question, known.user, place))
    results = [by_blueprint.get(place.blueprint_id) for place in places]
    there = [result for result in results if result is not None]
    return Shown(
        question=question,
        sides=_masked(results, known) if is_masked else _sides(places, results, votes, known),
        is_masked=is_masked,
        is_running=any(not result.is_finished for result in there),
        has_voted=mine is not None,
        is_tie=mine is not None and mine.best_id is None,
        tied=[] if is_masked else _names(vote for vote in others if not vote.best_id),
        warnings=[] if is_masked else corpus_warnings(there, places, known.databases),
    )


def _lot(question: ComparisonPrompt, user: User, place: PlaygroundBlueprint) -> str:
    """Decides the order of a blind question: another one for each question and person, the same each
    time, and for nobody to foresee. Who joins late leaves the order of the others as it is."""
    return salted_hmac(
        "playground.compare", f"{question.pk}:{user.pk}:{place.blueprint_id}"
    ).hexdigest()


def _sides(
    places: Sequence[PlaygroundBlueprint],
    results: Sequence[ChatPrompt | None],
    votes: Sequence[Preference],
    known: _Known,
) -> list[Side]:
    rows = zip(places, results, figures_of(results), strict=True)
    return [_side(number, *row, votes, known) for number, row in enumerate(rows, start=1)]


def _side(
    number: int,
    place: PlaygroundBlueprint,
    result: ChatPrompt | None,
    figures: list[Figure],
    votes: Sequence[Preference],
    known: _Known,
) -> Side:
    if result is None:
        return Side(number=number, name=place.blueprint.name, hue=place.hue)
    for_it = [vote for vote in votes if vote.best_id == result.pk]
    mine = [vote for vote in for_it if vote.user_id == known.user.pk]
    return Side(
        number=number,
        name=place.blueprint.name,
        hue=place.hue,
        llm=known.llm_labels.get(result.llm_id, result.llm_id),
        turn=known.turns[result.pk],
        figures=figures,
        warning=changed_since(result, place.blueprint),
        error=result.error_message or _NOTHING,
        admirers=_names(vote for vote in for_it if vote not in mine),
        is_mine=bool(mine),
    )


def _names(votes: Iterable[Preference]) -> list[str]:
    return [vote.user.display_name for vote in votes]


def _masked(results: Sequence[ChatPrompt | None], known: _Known) -> list[Side]:
    """An error may quote the LLM's server, and say its name."""
    return [
        Side(
            number=number,
            name=f"Answer {number}",
            turn=known.turns[result.pk] if result else None,
            is_masked=True,
            error=_MASKED_ERROR,
        )
        for number, result in enumerate(results, start=1)
    ]
