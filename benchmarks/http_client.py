"""A small HTTP/1.1 client on asyncio streams: what it costs itself must not blur what it measures."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson


class Http:
    """One connection, kept alive, one request at a time."""

    def __init__(self, host: str, port: int, token: str = "") -> None:
        self.host, self.port, self.token = host, port, token
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and parsed JSON."""
        reader, status, headers = await self._send(method, path, body)
        if headers.get("transfer-encoding") == "chunked":
            data = b"".join([chunk async for chunk in _chunks(reader)])
        else:
            data = await reader.readexactly(int(headers.get("content-length", 0)))
        return status, orjson.loads(data) if data else None

    async def stream(self, method: str, path: str, body: Any = None) -> AsyncIterator[bytes]:
        """The lines of a streamed answer, as they arrive."""
        reader, status, _ = await self._send(method, path, body)
        if status != 200:
            raise RuntimeError(f"{path} answered {status}")
        rest = b""
        async for chunk in _chunks(reader):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line

    async def _send(
        self, method: str, path: str, body: Any
    ) -> tuple[asyncio.StreamReader, int, dict[str, str]]:
        if self._connection is None:
            self._connection = await asyncio.open_connection(self.host, self.port)
        reader, writer = self._connection
        data = b"" if body is None else orjson.dumps(body)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        if data:
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        writer.write("\r\n".join([*lines, "", ""]).encode() + data)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(":", 1) for line in head[1:] if line)
        return reader, int(head[0].split()[1]), {k.lower(): v.strip() for k, v in pairs}


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
