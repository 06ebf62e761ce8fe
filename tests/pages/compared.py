"""A comparison with answers written by hand."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.models import User
from blueprints.models import Blueprint
from blueprints.settings import AnswerSettings
from config.status import Status
from playground import services
from playground.compare import board
from playground.models import ChatPrompt, ComparisonChat, ComparisonPrompt, Playground

CITATION = {
    "number": 1,
    "chunk_id": 1_000_000,
    "document_id": "0" * 24,
    "source": "returns.md",
    "page": None,
    "start": 0,
    "end": 19,
    "text": "Within thirty days.",
    "similarity": 0.9,
    "rank": 1,
    "is_neighbor": False,
    "is_cut": False,
    "token_count": 4,
    "metadata": {},
}


@dataclass(frozen=True)
class Compared:
    """`results` are in the order of the playground's blueprints."""

    comparison: ComparisonChat
    question: ComparisonPrompt
    results: list[ChatPrompt]


def compared_by(
    user: User, playground: Playground, *names: str, is_blind: bool = False
) -> Compared:
    """One question to new blueprints of these names, all of which have answered."""
    settings = AnswerSettings(llm_id="extractive")
    blueprints = [
        services.create_blueprint(user=user, playground=playground, name=name, settings=settings)
        for name in names or ("Terse", "Chatty")
    ]
    return compared_with(user, playground, blueprints, is_blind=is_blind)


def compared_with(
    user: User, playground: Playground, blueprints: list[Blueprint], *, is_blind: bool = False
) -> Compared:
    """Likewise to these."""
    question = board.begin(
        user=user,
        playground=playground,
        blueprints=blueprints,
        text="How long may I wait?",
        is_blind=is_blind,
    )
    results = [question.results.get(chat__blueprint=blueprint) for blueprint in blueprints]
    for place, result in enumerate(results):
        answer(result, f"Thirty days, says {place} [1].", latency_ms=1000 + 500 * place)
    comparison = ComparisonChat.objects.select_related("playground__use_case").get(
        pk=question.chat_id
    )
    return Compared(comparison, question, results)


def answer(result: ChatPrompt, text: str, **figures: Any) -> None:
    """As a worker would have answered."""
    given = {
        "status": Status.COMPLETED,
        "result_text": text,
        "citations": [CITATION],
        "latency_ms": 1000.0,
        "first_token_ms": 300.0,
        "input_tokens": 1812,
        "output_tokens": 96,
        "cost": "0.0003",
        "finished_at": timezone.now(),
    }
    ChatPrompt.objects.filter(pk=result.pk).update(**(given | figures))
    result.refresh_from_db()
