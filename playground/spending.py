"""What an answer took: the tokens of each call to the LLM, and what they cost."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from blueprints.costs import price
from blueprints.models import LLM
from blueprints.providers.base import Completion
from playground.outcome import Outcome
from playground.prompting import Usage, count_usage


@dataclass(frozen=True, slots=True)
class Spent:
    """By one call, or by several. US dollars; None where the price of any is not known."""

    input_tokens: int = 0
    output_tokens: int = 0
    is_estimated: bool = False
    cost: Decimal | None = None

    def to_fields(self) -> dict[str, Any]:
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "tokens_estimated": self.is_estimated,
            "cost": self.cost,
        }


@dataclass(frozen=True, slots=True)
class Spending:
    """By the calls before the search, in their order, and by the one for the answer."""

    rewrites: tuple[Spent, ...]
    answer: Spent | None

    @property
    def total(self) -> Spent:
        calls = [*self.rewrites, *([self.answer] if self.answer else [])]
        costs = [call.cost for call in calls if call.cost is not None]
        return Spent(
            input_tokens=sum(call.input_tokens for call in calls),
            output_tokens=sum(call.output_tokens for call in calls),
            is_estimated=any(call.is_estimated for call in calls),
            cost=sum(costs, Decimal(0)) if calls and len(costs) == len(calls) else None,
        )


def spending(llm: LLM | None, outcome: Outcome, text: str) -> Spending:
    """A call that failed or was stopped took what was sent at least, so that is estimated."""
    rewrites = []
    for rewrite in outcome.rewrites:
        back = rewrite.came_back
        completion = back.completion if back else None
        usage = count_usage(rewrite.sent.messages, completion, back.said if back else "")
        rewrites.append(spent_by(llm, usage, completion))
    answer = None
    if outcome.prompted is not None:
        usage = count_usage(outcome.prompted.messages, outcome.completion, text)
        answer = spent_by(llm, usage, outcome.completion)
    return Spending(tuple(rewrites), answer)


def spent_by(llm: LLM | None, usage: Usage, completion: Completion | None) -> Spent:
    model_name = completion.model_name if completion else ""
    cost = price(llm, model_name, usage.input_tokens, usage.output_tokens) if llm else None
    return Spent(usage.input_tokens, usage.output_tokens, usage.is_estimated, cost)
