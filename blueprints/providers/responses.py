"""Reading responses of LLM servers as a whole, or what is left of them."""

import aiohttp

from blueprints.providers.watch import Watch

LONGEST_WHOLE_ANSWER = 16 * 1024 * 1024  # bytes, of an answer that does not come as a stream
_LINGER_SECONDS = 0.1


async def read_to_the_end(content: aiohttp.StreamReader, watch: Watch) -> None:
    """Only a connection that was read to the end of its response can be used again."""
    watch.limit(_LINGER_SECONDS)
    try:
        with watch:
            await content.readany()
    except (TimeoutError, aiohttp.ClientError):
        return


async def read_up_to(most: int, content: aiohttp.StreamReader) -> bytes:
    """All that comes, cut after so many bytes."""
    body = b""
    while len(body) <= most and (chunk := await content.readany()):
        body += chunk
    return body[:most]
