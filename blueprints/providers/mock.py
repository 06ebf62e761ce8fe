"""Nobody's LLM, for trying programs out: it repeats the last message of the user, word by word."""

import re
from collections.abc import AsyncGenerator

from blueprints.models import LLM, Provider
from blueprints.providers.base import Completion, LLMRequest, Piece, TextPiece, text_of
from vectordb.tokens import count_tokens

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
        words = _WORDS.findall(said[-1]) if said else []
        kept = words[: request.max_completion_length]
        for word in kept:
            yield TextPiece(word)
        yield Completion(
            finish_reason="stop" if len(kept) == len(words) else "length",
            input_tokens=sum(count_tokens(text_of(one)) for one in request.messages),
            output_tokens=len(kept),
            model_name=request.model_name,
        )
