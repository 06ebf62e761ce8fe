"""Which key is sent to which LLM endpoint."""

from django.conf import settings

from blueprints.models import EndpointSource, LLMEndpoint
from blueprints.providers.base import ProviderError
from config.keys import UnreadableKey, decrypt_key


def key_of(endpoint: LLMEndpoint) -> str:
    """The key to send to the endpoint's address, or "". Raises ProviderError when it was
    encrypted with another secret or for another address."""
    if endpoint.source == EndpointSource.ENVIRONMENT:
        # The row may be older than the environment: never send a key to a former address.
        return settings.OPENAI_API_KEY if endpoint.base_url == environment_url() else ""
    try:
        return decrypt_key(endpoint.encrypted_key, base_url=endpoint.base_url)
    except UnreadableKey:
        raise ProviderError(
            f"The stored API key of {endpoint.name} cannot be read, since GROUNDWORK_SECRET_KEY "
            "or the address changed. Ask staff to enter the key again."
        ) from None


def environment_url() -> str:
    return settings.OPENAI_BASE_URL.rstrip("/")
