"""Files from elsewhere: fetched from public addresses alone, within limits.

A name is resolved once, its address checked, and that very address connected to: nobody can answer
the check with one address and the request with another. Each redirect is checked likewise.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from django.conf import settings

from config.errors import InvalidInput

_MOST_REDIRECTS = 5
_CONNECT_SECONDS = 10.0
_BLOCK = 1 << 16
_REDIRECTS = {301, 302, 303, 307, 308}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# All other IPv6 addresses are special in some way, or will be.
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")
# What `ipaddress` takes for public, or did until of late: assignments for protocols, relays, and
# documentation.
_SPECIAL = [ipaddress.ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")]
# A name alone does not always say which kind of text it is.
_ENDINGS = {"text/csv": ".csv", "text/markdown": ".md", "text/html": ".html"}

# The family of a socket, and what it connects to.
_Address = tuple[int, Any]


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer whose body was not read yet."""

    name: str
    blocks: Iterator[bytes]


def check_url(url: str) -> SplitResult:
    """Raise InvalidInput unless this is an address that may be fetched, as far as one can see."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput("This is no address of a file.", field="url") from error
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in {"http", "https"} or not parts.hostname or not is_plain or port == 0:
        raise InvalidInput(
            "Give an address that begins with http:// or https://, with spaces and letters beyond "
            "ASCII written as %20 and the like.",
            field="url",
        )
    if parts.username or parts.password:
        raise InvalidInput("Leave name and password out of the address.", field="url")
    return parts


@contextlib.contextmanager
def fetch(url: str, *, check: Callable[[], None]) -> Iterator[Fetched]:
    """Open the address. `check` is called between blocks; what it raises ends the transfer.

    Raises InvalidInput, with what to do, for whatever stands in the way.
    """
    with _Patience() as patience:
        for _ in range(_MOST_REDIRECTS + 1):
            parts = check_url(url)
            with contextlib.closing(_connection(parts, patience)) as connection:
                response = _response(connection, parts, patience)
                if response.status in _REDIRECTS and response.headers["Location"]:
                    url = _led_to(url, response.headers["Location"])
                    continue
                if response.status != 200:
                    raise _refused(f"The server answered {response.status} {response.reason}.")
                yield Fetched(_name(parts, response), _blocks(response, patience, check))
                return
        raise _refused("The address leads from one place to another, without an end.")


class _Patience:
    """An end to what a server can draw out byte by byte: then its connection is cut."""

    def __init__(self) -> None:
        self._link: socket.socket | None = None
        self._timer = threading.Timer(max(0, settings.FETCH_SECONDS), self._end)
        self._timer.daemon = True
        self.is_over = False

    def __enter__(self) -> "_Patience":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, link: socket.socket) -> None:
        self._link = link
        if self.is_over:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        if self._link is not None:
            with contextlib.suppress(OSError):  # it has ended by itself
                self._link.shutdown(socket.SHUT_RDWR)

    def refused(self, otherwise: str) -> InvalidInput:
        late = "It took too long: download the file and upload it here."
        return _refused(late if self.is_over else otherwise)


def _connection(parts: SplitResult, patience: _Patience) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        link = _connected(_public_addresses(host, port))
        patience.watch(link)
        if parts.scheme == "https":
            link = _encrypted(link, host, patience)
    except OSError as error:
        why = f"{host} cannot be reached ({error.strerror or error})."
        raise patience.refused(why) from error
    connection = http.client.HTTPConnection(host, port, timeout=_CONNECT_SECONDS)
    connection.sock = link
    return connection


def _connected(addresses: list[_Address]) -> socket.socket:
    """A connection to the first that answers. Raises OSError when none does."""
    problem: OSError = OSError("it has no address")
    for family, address in addresses:
        link = socket.socket(family, socket.SOCK_STREAM)
        link.settimeout(_CONNECT_SECONDS)
        try:
            link.connect(address)
        except OSError as error:
            link.close()
            problem = error
        else:
            return link
    raise problem


def _encrypted(link: socket.socket, host: str, patience: _Patience) -> socket.socket:
    context = ssl.create_default_context()
    secure = context.wrap_socket(link, server_hostname=host, do_handshake_on_connect=False)
    patience.watch(secure)
    try:
        secure.do_handshake()
    except OSError:
        secure.close()
        raise
    return secure


def _public_addresses(host: str, port: int) -> list[_Address]:
    """All addresses of the host. Raises InvalidInput when one of them is not for everybody."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _refused(f"{host} is not known: check the address.") from error
    is_allowed = host.lower() in settings.FETCH_ALLOWED_HOSTS
    if not is_allowed and not all(_is_public(str(address[0])) for *_, address in found):
        raise _refused(
            f"{host} is not on the public internet: upload the file, or have this host allowed "
            "with GROUNDWORK_FETCH_ALLOWED_HOSTS."
        )
    return [(family, address) for family, _, _, _, address in found]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if address.version == 6 and address not in _GLOBAL_IPV6 and address not in _NAT64:
        return False
    return all(
        one.is_global and not one.is_multicast and not any(one in network for network in _SPECIAL)
        for one in (address, *_within(address))
    )


def _within(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in inner if one is not None]


def _response(
    connection: http.client.HTTPConnection, parts: SplitResult, patience: _Patience
) -> http.client.HTTPResponse:
    target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    headers = {"User-Agent": "Groundwork", "Accept-Encoding": "identity", "Connection": "close"}
    try:
        connection.request(
            "GET", target if target.startswith("/") else f"/{target}", headers=headers
        )
        return connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise patience.refused(f"{parts.hostname} gave no answer ({error}).") from error


def _led_to(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise _refused("The address leads to one that is none.") from error


def _blocks(
    response: http.client.HTTPResponse, patience: _Patience, check: Callable[[], None]
) -> Iterator[bytes]:
    broken = "The transfer broke off: try again."
    try:
        while block := response.read1(_BLOCK):
            check()
            yield block
    except (OSError, http.client.HTTPException) as error:
        raise patience.refused(broken) from error
    if response.length or patience.is_over:
        raise patience.refused(broken)


def _name(parts: SplitResult, response: http.client.HTTPResponse) -> str:
    """The file's name: as the server says, else the last part of its address."""
    try:
        said = response.headers.get_filename()
    except (TypeError, ValueError):  # it stumbles over some that are garbled
        said = None
    name = said or unquote(parts.path).rpartition("/")[2] or "download"
    if PurePosixPath(name).suffix:
        return name
    return name + _ENDINGS.get(response.headers.get_content_type(), "")


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, field="url")
