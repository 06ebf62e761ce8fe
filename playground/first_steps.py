"""The way through the product for somebody new: what was done of it, and where it goes on.

What exists tells what is done. The sample that comes with the product does not count: it was there
before anybody did anything.
"""

from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import UseCase, User
from playground.models import ChatPrompt, ComparisonPrompt, Playground, Sample
from vectordb.models import Document


@dataclass(frozen=True, slots=True)
class FirstStep:
    """`url` is empty while there is nothing to go to yet; `is_next` is the first that is not done."""

    name: str
    note: str
    act: str
    url: str
    is_done: bool
    is_next: bool = False


def first_steps(user: User, *, use_case: UseCase | None = None) -> list[FirstStep]:
    """The three steps, in all the user's use cases or in one. Empty where the user has hidden them,
    has done them all, or may change nothing there."""
    if user.hides_first_steps:
        return []
    editable = UseCase.objects.editable_by(user)
    if use_case is not None:
        editable = editable.filter(pk=use_case.pk)
        if not editable.exists():
            return []
    sample = Sample.objects.first()
    own = editable.exclude(pk=sample.use_case_id) if sample and use_case is None else editable
    place = _playground(own) or _playground(editable)
    steps = [_bring(own), _ask(user, editable, place, sample), _compare(user, editable, place)]
    following = next((step for step in steps if not step.is_done), None)
    if following is None:
        return []
    return [replace(step, is_next=step is following) for step in steps]


def hide_first_steps(user: User, *, are_hidden: bool) -> None:
    user.hides_first_steps = are_hidden
    user.save(update_fields=["hides_first_steps"])


def _bring(use_cases: QuerySet[UseCase]) -> FirstStep:
    return FirstStep(
        "Bring your documents",
        "PDF, Word, Markdown, web pages and more. They become a database that answers cite.",
        *_where_documents_go(use_cases),
        Document.objects.filter(dataset__use_cases__in=use_cases).exists(),
    )


def _ask(
    user: User, use_cases: QuerySet[UseCase], place: Playground | None, sample: Sample | None
) -> FirstStep:
    return FirstStep(
        "Ask a question",
        "The answer comes with the numbered passages it rests on.",
        "Ask",
        f"{reverse('playground:playground-detail', args=[place.pk])}#question" if place else "",
        _has_asked(user, use_cases, sample),
    )


def _compare(user: User, use_cases: QuerySet[UseCase], place: Playground | None) -> FirstStep:
    asked = ComparisonPrompt.objects.filter(
        chat__playground__use_case__in=use_cases, created_by=user
    )
    return FirstStep(
        "Compare blueprints",
        "The same question to several ways of answering, side by side. Keep what wins.",
        "Compare",
        f"{reverse('playground:compare-home', args=[place.pk])}?new" if place else "",
        asked.exists(),
    )


def _has_asked(user: User, use_cases: QuerySet[UseCase], sample: Sample | None) -> bool:
    asked = ChatPrompt.objects.filter(
        chat__playground__use_case__in=use_cases, created_by=user, comparison_prompt=None
    )
    if sample is not None:
        came_along = Q(chat__playground__use_case=sample.use_case_id)
        if sample.finished_at is not None:
            came_along &= Q(created_at__lte=sample.finished_at)
        asked = asked.exclude(came_along)
    return asked.exists()


def _playground(use_cases: QuerySet[UseCase]) -> Playground | None:
    """The newest that can be asked."""
    rows = Playground.objects.filter(use_case__in=use_cases, places__isnull=False)
    return rows.order_by("-created_at", "-id").first()


def _where_documents_go(use_cases: QuerySet[UseCase]) -> tuple[str, str]:
    """What to do there, and where: at the dataset that is there; in an empty playground, which is built
    from files at once; else what has to be made first."""
    use_case = use_cases.order_by("-created_at", "-id").first()
    if use_case is None:
        return "Make a use case", reverse("accounts:use-case-create")
    if dataset := use_case.datasets.order_by("-created_at").first():
        return "Add documents", reverse("vectordb:dataset-detail", args=[dataset.pk])
    playground = use_case.playgrounds.first()
    if playground is None:
        return "Make a playground", reverse("playground:playground-create", args=[use_case.pk])
    if playground.places.exists():
        return "Add documents", reverse("vectordb:dataset-create", args=[use_case.pk])
    return "Add documents", reverse("playground:playground-detail", args=[playground.pk])
