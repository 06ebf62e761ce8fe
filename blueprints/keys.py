"""The keys of LLM endpoints, encrypted and bound to the address that they were given for."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from blueprints.models import EndpointSource, LLMEndpoint
from blueprints.providers.base import ProviderError


def encrypt_key(key: str, *, base_url: str) -> str:
    """What is stored of a key; empty for no key."""
    return _fernet(base_url).encrypt(key.encode()).decode() if key else ""


def key_of(endpoint: LLMEndpoint) -> str:
    """The key to send to the endpoint's address, or "". Raises ProviderError when it was
    encrypted with another secret or for another address."""
    if endpoint.source == EndpointSource.ENVIRONMENT:
        # The row may be older than the environment: never send a key to a former address.
        return settings.OPENAI_API_KEY if endpoint.base_url == environment_url() else ""
    if not endpoint.encrypted_key:
        return ""
    try:
        return _fernet(endpoint.base_url).decrypt(endpoint.encrypted_key.encode()).decode()
    except InvalidToken:
        raise ProviderError(
            f"The stored API key of {endpoint.name} cannot be read, since GROUNDWORK_SECRET_KEY "
            "or the address changed. Ask staff to enter the key again."
        ) from None


def environment_url() -> str:
    return settings.OPENAI_BASE_URL.rstrip("/")


def _fernet(base_url: str) -> Fernet:
    # The address goes into the derivation: a row whose address was changed behind our back yields
    # no key that could be sent there.
    derived = HKDF(
        algorithm=hashes.SHA256(),
        length=32,
        salt=None,
        info=b"groundwork endpoint key\0" + base_url.encode(),
    ).derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
