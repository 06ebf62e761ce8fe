"""What staff enter about a server elsewhere: its address and its key."""

from urllib.parse import urlsplit

from config.errors import InvalidInput

LONGEST_URL = 500


def checked_url(base_url: str) -> str:
    """Staff may name any host, this machine included: local servers are the point. Raises
    InvalidInput for what is no address, or holds more than one."""
    url = base_url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or len(url) > LONGEST_URL or any(c.isspace() for c in url):
        raise InvalidInput(
            "An address such as https://api.example.com/v1, please.", field="base_url"
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(
            "No user name or password in the address, please: enter the key as API key.",
            field="base_url",
        )
    if parts.query or parts.fragment:
        raise InvalidInput("The address without ? and #, please.", field="base_url")
    return url


def checked_key(api_key: str) -> str:
    """The key without blanks around it. Raises InvalidInput for what no header can hold."""
    key = api_key.strip()
    if not key.isascii() or not key.isprintable() or len(key) > 1_000:
        raise InvalidInput("This is no API key: it has characters that none has.", field="api_key")
    return key
