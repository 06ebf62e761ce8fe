"""What an answer costs, in US dollars.

The price list takes 10 MB and a third of a second to load: web processes do without it until somebody
wants to know a price.
"""

from decimal import Decimal

from blueprints.models import LLM, EndpointSource, Provider

_MILLION = Decimal(1_000_000)


def load_prices() -> None:
    """For processes that will be asked, while nobody waits for it."""
    from genai_prices import data_snapshot

    data_snapshot.get_snapshot()


def price(
    llm: LLM, model_name: str, input_tokens: int | None, output_tokens: int | None
) -> Decimal | None:
    """Dollars for a call, or None when nobody knows; see `prices`."""
    both = prices(llm, model_name, input_tokens, output_tokens)
    return None if both is None else sum(both, Decimal(0))


def prices(
    llm: LLM, model_name: str, input_tokens: int | None, output_tokens: int | None
) -> tuple[Decimal, Decimal] | None:
    """Dollars for what was read and for what was written, or None when nobody knows.

    The row's own prices go first. The built-in LLM and servers found on this machine cost nothing.
    Else the price list that the package `genai-prices` was shipped with is asked for the endpoint's
    provider; an unknown host has no known price, even for a model that others sell. `model_name` is
    what the provider said answered. Load `llm.endpoint` beforehand.
    """
    if input_tokens is None or output_tokens is None:
        return None
    if llm.input_price is not None and llm.output_price is not None:
        read, written = input_tokens * llm.input_price, output_tokens * llm.output_price
        return read / _MILLION, written / _MILLION
    if llm.provider == Provider.EXTRACTIVE or llm.endpoint is None:
        return Decimal(0), Decimal(0)
    if llm.endpoint.source == EndpointSource.DISCOVERED:
        return Decimal(0), Decimal(0)
    import genai_prices

    usage = genai_prices.Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    for name in filter(None, (model_name, llm.model_name)):
        try:
            found = genai_prices.calc_price(usage, name, provider_api_url=llm.endpoint.base_url)
            return found.input_price, found.output_price
        except LookupError:
            continue
    return None


def context_window(base_url: str, model_name: str) -> int | None:
    """The model's context in tokens as the price list knows it, or None."""
    from genai_prices import data_snapshot

    try:
        _, model = data_snapshot.get_snapshot().find_provider_model(
            model_name, None, None, base_url
        )
    except LookupError:
        return None
    return model.context_window
