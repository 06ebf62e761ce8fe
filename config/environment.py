"""The environment as the settings read it, typed. What is wrong raises ImproperlyConfigured, whose one
sentence says what to set; what is missing or empty is the default."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_EXAMPLE_SECRETS = {"change-me", "changeme", "secret", "example", "secret-key", "your-secret-key"}
_SHORTEST_SECRET = 32


def env_str(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def env_bool(name: str, default: bool = False) -> bool:
    value = env_str(name).lower()
    if value in {"", "0", "false", "no", "off"}:
        return default if value == "" else False
    if value in {"1", "true", "yes", "on"}:
        return True
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def env_int(name: str, default: int) -> int:
    value = env_str(name)
    try:
        return int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def env_list(name: str, default: list[str]) -> list[str]:
    value = env_str(name)
    return [item.strip() for item in value.split(",") if item.strip()] if value else default


def secret_key(generated: Path, *, is_debug: bool) -> str:
    """From the environment, else from the file that `make run` generates; a default for debugging only."""
    value = env_str("GROUNDWORK_SECRET_KEY")
    if not value and generated.is_file():
        value = generated.read_text().strip()
    if is_debug and not value:
        return "debug-only-" + "x" * _SHORTEST_SECRET
    if not value:
        raise ImproperlyConfigured(
            "GROUNDWORK_SECRET_KEY is not set. `make run` generates one; elsewhere set it to at "
            "least 32 random characters, for example from `python -c 'import secrets; "
            "print(secrets.token_urlsafe(48))'`."
        )
    weak = value.lower() in _EXAMPLE_SECRETS or value.startswith(("django-insecure", "debug-only"))
    if not is_debug and (weak or len(value) < _SHORTEST_SECRET):
        raise ImproperlyConfigured(
            "GROUNDWORK_SECRET_KEY is an example or too short: use at least 32 random characters."
        )
    return value
