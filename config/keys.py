"""API keys of servers elsewhere, encrypted and bound to the address that they were given for."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class UnreadableKey(Exception):
    """It was encrypted with another secret, or for another address."""


def encrypt_key(key: str, *, base_url: str) -> str:
    """What is stored of a key; empty for no key."""
    return _fernet(base_url).encrypt(key.encode()).decode() if key else ""


def decrypt_key(encrypted: str, *, base_url: str) -> str:
    """The key, or "" where none is stored. Raises UnreadableKey."""
    try:
        return _fernet(base_url).decrypt(encrypted.encode()).decode() if encrypted else ""
    except InvalidToken:
        raise UnreadableKey from None


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
