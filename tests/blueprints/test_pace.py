import asyncio
import contextlib
import datetime
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from blueprints.providers.pace import Pace


@pytest.fixture
async def transport():
    """One that is open."""
    own, others = socket.socketpair()
    with others:
        _, writer = await asyncio.open_connection(sock=own)
        yield writer.transport
        writer.close()
        await writer.wait_closed()


@pytest.fixture
def certificate(tmp_path):
    """A file with a certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = tmp_path / "localhost.pem"
    file.write_bytes(
        key.private_bytes(encoding, form, serialization.NoEncryption())
        + made.public_bytes(encoding)
    )
    return file


@contextlib.contextmanager
def many() -> Iterator[Pace]:
    """One of many streams that are open."""
    with contextlib.ExitStack() as streams:
        paces = [streams.enter_context(Pace()) for _ in range(30)]
        yield paces[0]


async def rested(pace, transport=None):
    """Seconds that the stream rested after a read that waited for the network."""
    loop = asyncio.get_running_loop()
    pace.before_read()
    await asyncio.sleep(0.002)
    before = loop.time()
    await pace.rest(transport)
    return loop.time() - before


async def begun(pace, transport) -> asyncio.Task[float]:
    """The rest of a stream whose connection is not read any more."""
    resting = asyncio.create_task(rested(pace, transport))
    while transport.is_reading():
        await asyncio.sleep(0.001)
    return resting


async def test_a_few_streams_never_rest():
    with Pace() as one, Pace():
        assert await rested(one) < 0.002


async def test_many_streams_rest_after_they_have_caught_up():
    with many() as one:
        assert await rested(one) >= 0.025


async def test_what_has_arrived_already_is_read_without_rest():
    with many() as one:
        one.before_read()
        before = asyncio.get_running_loop().time()
        await one.rest(None)
        assert asyncio.get_running_loop().time() - before < 0.02


async def test_nothing_is_read_while_a_stream_rests(transport):
    with many() as one:
        resting = await begun(one, transport)
        assert not resting.done()

        await resting

        assert transport.is_reading()


async def test_a_stream_that_is_given_up_is_read_on(transport):
    with many() as one:
        resting = await begun(one, transport)
        resting.cancel()
        await asyncio.wait([resting])

        assert transport.is_reading()


async def test_a_connection_may_end_while_its_stream_rests(transport):
    with many() as one:
        resting = await begun(one, transport)
        transport.close()

        assert await resting >= 0.025


async def test_what_is_encrypted_is_read_on(certificate):
    """uvloop would lose what came before the other side hung up."""
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(certificate)
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    is_over = asyncio.Event()

    async def hold(reader, writer):
        await reader.read()
        writer.close()
        await writer.wait_closed()
        is_over.set()

    server = await asyncio.start_server(hold, "127.0.0.1", 0, ssl=own)
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        transport: Any = writer.transport
        with many() as one:
            resting = asyncio.create_task(rested(one, transport))
            while not resting.done():
                assert transport.is_reading()
                await asyncio.sleep(0.001)
            assert resting.result() >= 0.025
        writer.close()
        await writer.wait_closed()
        await is_over.wait()
