"""Those who join a comparison answer what was asked before: some questions at a time."""

from django.db.models import Count, Q

from accounts.models import User
from blueprints.models import Blueprint
from playground import comparisons
from playground.models import ComparisonChat

# So many are put at once: it takes less than a second, whoever waits for it.
_AT_ONCE = 20


def chosen(comparison: ComparisonChat) -> list[Blueprint]:
    """The blueprints whose columns are shown, in the playground's order."""
    places = comparison.playground.places.filter(blueprint__in=comparison.blueprints.all())
    return [place.blueprint for place in places.select_related("blueprint__version__llm")]


def ask_missing(comparison: ComparisonChat, *, user: User) -> bool:
    """Have those who take part answer the oldest questions that they were not asked; whether there are
    more. In a transaction that holds the comparison's lock. Raises InvalidInput."""
    members = chosen(comparison)
    ids = [blueprint.pk for blueprint in members]
    answered = Count("results", filter=Q(results__chat__blueprint__in=ids))
    missed = (
        comparison.prompts.annotate(answered=answered)
        .filter(answered__lt=len(ids))
        .order_by("created_at", "pk")
        .prefetch_related("results__chat")
    )
    questions = list(missed[: _AT_ONCE + 1])
    for question in questions[:_AT_ONCE]:
        known = {result.chat.blueprint_id for result in question.results.all()}
        missing = [blueprint for blueprint in members if blueprint.pk not in known]
        comparisons.add_blueprints(question, user=user, blueprints=missing, with_drafts=True)
    return len(questions) > _AT_ONCE
