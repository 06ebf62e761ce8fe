"""Tokens as the embedding model counts them. Needs neither torch nor Django."""

import json
import re
from functools import lru_cache
from typing import NamedTuple

from tokenizers import Encoding, Tokenizer

from vectordb.embedding_models import MINILM, get_model

# The packaged model knows no word of more than 100 characters and takes it for one token. Nothing
# should be that cheap: a long run without a space counts at least one token for so many characters.
CHARACTERS_PER_TOKEN = 16


class _Counting(NamedTuple):
    """`is_by_word`: words have the same tokens alone and in a text. `is_estimate`: the tokenizer is
    not the model's own."""

    tokenizer: Tokenizer
    is_by_word: bool
    is_estimate: bool


@lru_cache(maxsize=8)
def _counting(model_id: str) -> _Counting:
    model = get_model(model_id)
    tokenizer: Tokenizer = Tokenizer.from_file(model.tokenizer or get_model(MINILM).tokenizer)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return _Counting(tokenizer, _is_by_word(tokenizer), not model.tokenizer)


def _is_by_word(tokenizer: Tokenizer) -> bool:
    """Where blank space parts words before anything else and is gone then, as in BERT and XLM-R, and
    nothing is put before the first word alone."""
    made = json.loads(tokenizer.to_str())
    steps = made["pre_tokenizer"] or {}
    steps = steps["pretokenizers"] if steps.get("type") == "Sequence" else [steps]
    return (
        steps[0].get("type") in ("BertPreTokenizer", "WhitespaceSplit")
        and all(step.get("prepend_scheme", "always") == "always" for step in steps)
        and "Prepend" not in json.dumps(made["normalizer"])
    )


def encode(text: str, model_id: str = MINILM) -> Encoding:
    """The text's tokens with their character offsets, without special tokens."""
    return _counting(model_id).tokenizer.encode(text, add_special_tokens=False)


@lru_cache(maxsize=131_072)
def _count_word(word: str, model_id: str) -> int:
    return len(encode(word, model_id))


_LONGEST_CACHED = 64
# Characters at which Python splits words while the tokenizer joins what is around them.
_odd_space = re.compile("[\x0b\x0c\x1c-\x1f\x85]")


def count_tokens(text: str, model_id: str = MINILM) -> int:
    """How many tokens the text has, special tokens left out; at least one per 16 characters.

    Where words can be tokenized one by one they are, and remembered, which is ten times as fast as
    tokenizing texts. Of a model whose tokenizer nobody here has, it is an estimate, see `_estimate`.
    """
    counting = _counting(model_id)
    if counting.is_by_word and not _odd_space.search(text):
        count = sum(
            _count_word(word, model_id)
            if len(word) <= _LONGEST_CACHED
            else len(encode(word, model_id))
            for word in text.split()
        )
    else:
        count = _count_whole(text, counting.tokenizer)
    if counting.is_estimate:
        count = max(count, _estimate(text))
    return max(count, len(text) // CHARACTERS_PER_TOKEN)


def _count_whole(text: str, tokenizer: Tokenizer) -> int:
    """A first word may have more tokens without the space before it, which a chunk loses."""
    texts = [text, text.strip()] if text[:1].isspace() else [text]
    return max(len(tokenizer.encode(one, add_special_tokens=False)) for one in texts)


def _estimate(text: str) -> int:
    """Tokens by the letters alone, for what the packaged model's tokenizer sees too little of.

    English has about four characters a token anywhere; other scripts, emoji and endless words have
    more tokens than words in them: half a token for each byte of UTF-8 beyond the first of a
    character, and two for three characters of a word that is too long to be one. Together with the
    part of the window that stays free, it is meant to be too many rather than too few.
    """
    more = len(text.encode("utf-8", "replace")) - len(text)
    endless = sum(len(word) for word in text.split() if len(word) > _LONGEST_CACHED)
    return (len(text) - endless + 2 * more) // 4 + 2 * endless // 3


def cut_to_tokens(text: str, limit: int, model_id: str = MINILM) -> str:
    """The longest beginning of `text` that ends with a whole token and has at most `limit`."""
    text = text[: limit * CHARACTERS_PER_TOKEN]
    ends = [end for _, end in encode(text, model_id).offsets]
    for count in range(min(limit, len(ends)), 0, -1):
        head = text[: ends[count - 1]]
        if count_tokens(head, model_id) <= limit:
            return head
    return ""


def count_in(text: str, tokenizer_file: str) -> int:
    """As `count_tokens`, with a tokenizer that belongs to no known model yet."""
    tokenizer: Tokenizer = Tokenizer.from_file(tokenizer_file)
    tokenizer.no_truncation()
    return len(tokenizer.encode(text, add_special_tokens=False))
