"""Nobody's LLM, for trying programs out: it repeats the last message of the user, word by word."""

import asyncio
import re
from collections.abc import AsyncGenerator

from blueprints.models import LLM, Provider
from blueprints.providers.base import Completion, LLMRequest, Piece, TextPiece, text_of
from vectordb.tokens import count_tokens

_MOST_WORDS = 4_096
_LONGEST_READ = 100_000  # characters
_AT_ONCE = 100
_WORDS = re.compile(r"\s*\S+")


def mock_llm(model_name: str) -> LLM:
    """One by any name. It is in no list, and nothing of it is stored."""
    return LLM(pk="mock", label="Mock", provider=Provider.MOCK, model_name=model_name)


def client_for(llm: LLM) -> "MockClient":
    return MockClient()


class MockClient:
    """The same messages always get the same answer. A word counts as a token of it."""

    async def stream(self, request: LLMRequest) -> AsyncGenerator[Piece, None]:
        """See `base.Client`."""
        said = [text_of(one) for one in request.messages if one["role"] == "user"]
        words = _WORDS.findall(said[-1][:_LONGEST_READ]) if said else []
        kept = words[: min(request.max_completion_length or _MOST_WORDS, _MOST_WORDS)]
        for number, word in enumerate(kept):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)  # others have their turn
            yield TextPiece(word)
        yield Completion(
            finish_reason="stop" if len(kept) == len(words) else "length",
            input_tokens=sum(count_tokens(text_of(one)) for one in request.messages),
            output_tokens=len(kept),
            model_name=request.model_name,
        )
