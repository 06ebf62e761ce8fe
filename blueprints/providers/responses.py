"""Reading responses of LLM servers as a whole, or what is left of them."""

from collections.abc import AsyncIterator

import httpx2

from blueprints.providers.sse import NotAnAnswer
from blueprints.providers.watch import Watch

LONGEST_WHOLE_ANSWER = 16 * 1024 * 1024  # bytes, of an answer that does not come as a stream
_LINGER_SECONDS = 0.1


async def read_to_the_end(chunks: AsyncIterator[bytes], watch: Watch) -> None:
    """Only a connection that was read to the end of its response can be used again."""
    watch.limit(_LINGER_SECONDS)
    try:
        with watch:
            await anext(chunks, None)
    except (TimeoutError, httpx2.HTTPError):
        return


async def whole(response: httpx2.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LONGEST_WHOLE_ANSWER:
            raise NotAnAnswer("endless")
    return body
