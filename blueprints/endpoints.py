"""What staff can do with LLM endpoints and the LLMs on them."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import IntegrityError, transaction

from accounts.models import User
from blueprints import catalogue
from blueprints.models import LLM, EndpointSource, LLMEndpoint
from blueprints.providers.base import ProviderError
from blueprints.settings import UNSET, Unset
from config.errors import Conflict, Forbidden, InvalidInput
from config.keys import encrypt_key
from config.servers import checked_key, checked_url

LONGEST_NAME = 100
LONGEST_MODEL_NAME = 200
sync_models = catalogue.sync_models


@dataclass(frozen=True, slots=True)
class EndpointCheck:
    """What a test of an endpoint found. `message` is a sentence either way."""

    ok: bool
    message: str
    models: tuple[str, ...] = ()


def require_staff(user: User) -> None:
    if not user.is_staff:
        raise Forbidden("Only staff can change the list of LLMs: ask somebody of your staff.")


def create_endpoint(*, user: User, name: str, base_url: str, api_key: str = "") -> LLMEndpoint:
    """Add a server. Its models are listed by `sync_models`, or one by one by `add_model`."""
    require_staff(user)
    url = checked_url(base_url)
    return _stored(
        LLMEndpoint(
            name=_checked_name(name),
            base_url=url,
            encrypted_key=encrypt_key(checked_key(api_key), base_url=url),
        )
    )


def update_endpoint(
    endpoint: LLMEndpoint,
    *,
    user: User,
    name: str | Unset = UNSET,
    base_url: str | Unset = UNSET,
    api_key: str | Unset = UNSET,
    is_active: bool | Unset = UNSET,
) -> LLMEndpoint:
    """Change what is given; an empty `api_key` removes the key. A new address needs the key again,
    so that nobody can have a stored key sent to a server of theirs."""
    require_staff(user)
    if name is not UNSET:
        endpoint.name = _checked_name(name)
    if is_active is not UNSET:
        endpoint.is_active = is_active
    url = checked_url(base_url) if base_url is not UNSET else endpoint.base_url
    if url != endpoint.base_url or api_key is not UNSET:
        _change_connection(endpoint, url, api_key)
    return _stored(endpoint)


def _change_connection(endpoint: LLMEndpoint, url: str, api_key: str | Unset) -> None:
    if endpoint.source == EndpointSource.ENVIRONMENT:
        raise InvalidInput(
            "This endpoint comes from OPENAI_BASE_URL and OPENAI_API_KEY: change them there.",
            field="base_url" if url != endpoint.base_url else "api_key",
        )
    if url != endpoint.base_url:
        if endpoint.source == EndpointSource.DISCOVERED:
            raise InvalidInput(
                "This server was found at its address: add another endpoint instead.",
                field="base_url",
            )
        if api_key is UNSET and endpoint.encrypted_key:
            raise InvalidInput(
                "A new address needs the API key again: enter it, so that the stored one is sent "
                "nowhere else.",
                field="api_key",
            )
        endpoint.base_url = url
    if api_key is not UNSET:
        endpoint.encrypted_key = encrypt_key(checked_key(api_key), base_url=url)


def delete_endpoint(endpoint: LLMEndpoint, *, user: User) -> None:
    """Delete it with its LLMs. Blueprints that use them stay, and ask for another LLM."""
    require_staff(user)
    if endpoint.source != EndpointSource.STAFF and endpoint.is_found:
        raise Conflict("This endpoint would be found again at the next start: switch it off.")
    endpoint.delete()


async def test_endpoint(endpoint: LLMEndpoint) -> EndpointCheck:
    """Ask the endpoint for its models and say what is wrong. Takes 10 seconds at most."""
    try:
        models = await catalogue.fetch_models(endpoint, seconds=catalogue.LIST_SECONDS)
    except ProviderError as error:
        return EndpointCheck(ok=False, message=error.message)
    if not models:
        return EndpointCheck(
            ok=True, message="The server answers but lists no chat model: load one there."
        )
    plural = "" if len(models) == 1 else "s"
    return EndpointCheck(
        ok=True,
        message=f"The server answers and has {len(models)} model{plural}.",
        models=tuple(model.name for model in models),
    )


# pytest would take it for a test where it is imported.
test_endpoint.__test__ = False  # type: ignore[attr-defined]


def add_model(
    endpoint: LLMEndpoint, *, user: User, model_name: str, context_size: int | None = None
) -> LLM:
    """List a model by hand, for servers that cannot tell theirs."""
    require_staff(user)
    model_name = model_name.strip()
    if not 1 <= len(model_name) <= LONGEST_MODEL_NAME:
        raise InvalidInput(
            f"A model name of 1 to {LONGEST_MODEL_NAME} characters, please.", field="model_name"
        )
    if endpoint.llms.filter(model_name=model_name).exists():
        raise InvalidInput("This model is listed already.", field="model_name")
    llm = catalogue.new_llm(endpoint, model_name)
    llm.vendor = endpoint.name
    llm.save()
    return update_llm(llm, user=user, context_size=context_size)


def update_llm(
    llm: LLM,
    *,
    user: User,
    label: str | Unset = UNSET,
    is_active: bool | Unset = UNSET,
    context_size: int | Unset | None = UNSET,
    max_completion_length: int | Unset | None = UNSET,
    input_price: Decimal | Unset | None = UNSET,
    output_price: Decimal | Unset | None = UNSET,
) -> LLM:
    """Change what is given. Prices are US dollars per million tokens; None asks the price list."""
    require_staff(user)
    if label is not UNSET:
        if not 1 <= len(label.strip()) <= catalogue.LONGEST_ID:
            raise InvalidInput("A label of 1 to 150 characters, please.", field="label")
        llm.label = label.strip()
    if is_active is not UNSET:
        llm.is_active = is_active
    numbers = {
        "context_size": context_size,
        "max_completion_length": max_completion_length,
        "input_price": input_price,
        "output_price": output_price,
    }
    for field, value in numbers.items():
        if value is UNSET:
            continue
        lowest = 0 if field.endswith("price") else 1
        if value is not None and not lowest <= value <= 1_000_000 * (1 + 1000 * lowest):
            raise InvalidInput(f"A number from {lowest} on, please.", field=field)
        setattr(llm, field, value)
    llm.save()
    return llm


def _stored(endpoint: LLMEndpoint) -> LLMEndpoint:
    try:
        with transaction.atomic():
            endpoint.save()
    except IntegrityError:
        raise InvalidInput(
            "Another endpoint has this name: choose another.", field="name"
        ) from None
    return endpoint


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidInput(f"A name of 1 to {LONGEST_NAME} characters, please.", field="name")
    return name
