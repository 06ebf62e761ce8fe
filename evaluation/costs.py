"""What answers cost by a team's own prices."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from config.status import Status
from evaluation.models import CostConfiguration
from playground.hooks import Figures

COST = "cost"
_NO_REFERENCE = "The number of tokens that the price is for is 0: there is no price for one."


def cost_of(price: dict[str, Any], input_tokens: int, output_tokens: int) -> Decimal | None:
    """In the price's currency; None where a price is for no tokens at all."""
    references = price["reference_input_token_count"], price["reference_output_token_count"]
    if 0 in references:
        return None
    read: Decimal = Decimal(str(price["input_token_price"])) * input_tokens / references[0]
    written: Decimal = Decimal(str(price["output_token_price"])) * output_tokens / references[1]
    return read + written


def cost_metrics(
    configurations: Sequence[CostConfiguration], llm_id: str, figures: Figures
) -> list[dict[str, Any]]:
    """One for each configuration with a price for this LLM, the newest first: its value is what
    the answer is said to cost."""
    found = []
    for configuration in reversed(configurations):
        price = next((one for one in configuration.prices if one["llm_id"] == llm_id), None)
        if price is not None:
            found.append(_metric(configuration, price, figures))
    return found


def _metric(
    configuration: CostConfiguration, price: dict[str, Any], figures: Figures
) -> dict[str, Any]:
    cost = cost_of(price, figures.input_tokens, figures.output_tokens)
    is_known = cost is not None
    return {
        "name": configuration.name or COST,
        "formatted_name": configuration.name or "Cost",
        "value": float(cost) if cost is not None else None,
        "formatted_value": f"{cost:.6f} {price['currency_code']}" if is_known else "",
        "execution_status": str(Status.COMPLETED if is_known else Status.ERROR),
        "error_message": "" if is_known else _NO_REFERENCE,
        "cost_configuration_id": configuration.pk,
    }
