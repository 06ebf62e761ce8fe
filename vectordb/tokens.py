"""Tokens as the embedding model counts them. Needs neither torch nor Django."""

import re
from functools import lru_cache

from tokenizers import Encoding, Tokenizer

from vectordb.embedding_models import MINILM, get_model

# The model knows no word of more than 100 characters and takes it for one token. Nothing should be
# that cheap: a long run without a space counts at least one token for so many characters.
CHARACTERS_PER_TOKEN = 16


@lru_cache(maxsize=8)
def _tokenizer(model_id: str) -> Tokenizer:
    tokenizer: Tokenizer = Tokenizer.from_file(str(get_model(model_id).path / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def encode(text: str, model_id: str = MINILM) -> Encoding:
    """The text's tokens with their character offsets, without special tokens."""
    return _tokenizer(model_id).encode(text, add_special_tokens=False)


@lru_cache(maxsize=131_072)
def _count_word(word: str, model_id: str) -> int:
    return len(encode(word, model_id))


_LONGEST_CACHED = 64
# Characters at which Python splits words while the tokenizer joins what is around them.
_odd_space = re.compile("[\x0b\x0c\x1c-\x1f\x85]")


def count_tokens(text: str, model_id: str = MINILM) -> int:
    """How many tokens the text has, special tokens left out; at least one per 16 characters.

    Words are tokenized one by one and remembered, which is ten times as fast as tokenizing texts.
    """
    if _odd_space.search(text):
        count = len(encode(text, model_id))
    else:
        count = sum(
            _count_word(word, model_id)
            if len(word) <= _LONGEST_CACHED
            else len(encode(word, model_id))
            for word in text.split()
        )
    return max(count, len(text) // CHARACTERS_PER_TOKEN)


def cut_to_tokens(text: str, limit: int, model_id: str = MINILM) -> str:
    """The longest beginning of `text` that ends with a whole token and has at most `limit`."""
    text = text[: limit * CHARACTERS_PER_TOKEN]
    ends = [end for _, end in encode(text, model_id).offsets]
    for count in range(min(limit, len(ends)), 0, -1):
        head = text[: ends[count - 1]]
        if count_tokens(head, model_id) <= limit:
            return head
    return ""
