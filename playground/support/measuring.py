"""Measuring the support of an answer's sentences. For workers only, after the answer is finished."""

import json
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from time import monotonic
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.db import connection, transaction

from blueprints.providers.sentences import content_words, split_sentences
from config.threads import in_thread
from playground.models import ChatPrompt
from playground.rendering import sentences_of
from playground.support.scores import Support
from playground.support.sentences import Said
from playground.support.telling import lock_blind, tell_of_support
from vectordb.embedding import embed_in_background

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

logger = logging.getLogger(__name__)

_WORDS_WEIGHT = 0.3
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
# An answer with more of them is not measured.
_MOST_SENTENCES = 500
# Answers that are read together, and kept together unless the first of them would wait longer.
_AT_ONCE = 16
_KEPT_BACK_SECONDS = 1.0
_READ = ("chat_id", "result_text", "citations", "finished_at")
# Meanwhile it may have been answered anew.
_KEEP = """
UPDATE playground_chatprompt AS prompt
SET support_due = false, sentence_support = nullif(measured.support, '[]')::jsonb
FROM unnest(%s::text[], %s::timestamptz[], %s::text[]) AS measured (id, finished_at, support)
WHERE prompt.id = measured.id AND prompt.finished_at IS NOT DISTINCT FROM measured.finished_at
RETURNING prompt.id
"""
# The same passages are read again and again.
_REMEMBERED = 4_000
_remembered: "OrderedDict[str, Vector]" = OrderedDict()


@dataclass(frozen=True, slots=True)
class _Passage:
    """What stands in it: its sentences, also by twos, for an answer joins what belongs together."""

    number: int
    parts: list[str]
    words: set[str]
    figures: set[str]


@dataclass(frozen=True, slots=True)
class _Work:
    """An answer that is to be measured. It says nothing where passages could not support it."""

    prompt_id: str
    chat_id: str
    finished_at: datetime
    said: list[Said]
    passages: list[_Passage]

    @property
    def texts(self) -> Iterator[str]:
        yield from (one.text for one in self.said)
        for passage in self.passages:
            yield from passage.parts


_Measured = tuple[_Work, list[Support]]


async def measure_some(*, give_way: Callable[[], Awaitable[None]]) -> int:
    """Measure some of the answers that are due, the newest first: keep the support of each sentence
    with the answer, and tell those who watch its chat. How many there were.

    In small steps, with `give_way` awaited before each: even a thread of its own holds up the others.
    """
    await give_way()
    prompts = await in_thread(_read_some)
    measured: list[_Measured] = []
    kept_at = monotonic()
    for prompt in prompts:
        await give_way()
        work = await in_thread(_work, prompt)
        vectors = await _vectors(list(work.texts), give_way)
        measured.append((work, [_support(one, work.passages, vectors) for one in work.said]))
        if monotonic() - kept_at >= _KEPT_BACK_SECONDS:
            await in_thread(_keep, measured)
            measured, kept_at = [], monotonic()
    if measured:
        await in_thread(_keep, measured)
    return len(prompts)


def _read_some() -> list[ChatPrompt]:
    due = ChatPrompt.objects.filter(support_due=True).order_by("-finished_at")
    return list(due.only(*_READ)[:_AT_ONCE])


def _work(prompt: ChatPrompt) -> _Work:
    """What cannot be read has no support: it would hold up the others at every try."""
    finished_at = cast("datetime", prompt.finished_at)
    try:
        said, passages = _read(prompt)
    except Exception:
        logger.exception("The support of the answer %s cannot be measured.", prompt.pk)
        said, passages = [], []
    return _Work(prompt.pk, prompt.chat_id, finished_at, said, passages)


def _read(prompt: ChatPrompt) -> tuple[list[Said], list[_Passage]]:
    numbers = {citation["number"] for citation in prompt.citations}
    said = sentences_of(prompt.result_text, numbers=numbers)
    cited = {number for one in said for number in one.numbers}
    needed = cited if all(one.numbers for one in said) else numbers
    passages = [
        _passage(citation["number"], citation["text"])
        for citation in prompt.citations
        if citation["number"] in needed
    ]
    if not said or len(said) > _MOST_SENTENCES or not passages:
        return [], []
    return said, passages


def _passage(number: int, text: str) -> _Passage:
    sentences = [one.text for one in split_sentences(text) if not one.is_heading] or [text]
    pairs = [f"{one} {other}" for one, other in pairwise(sentences)]
    return _Passage(number, [*sentences, *pairs], content_words(text), set(_FIGURE.findall(text)))


async def _vectors(
    texts: Sequence[str], give_way: Callable[[], Awaitable[None]]
) -> "dict[str, Vector]":
    found = {text: _remembered[text] for text in texts if text in _remembered}
    new = [text for text in dict.fromkeys(texts) if text not in found]
    # The packaged model, whatever the database has: figures of one model can be compared.
    made = await embed_in_background(settings.DEFAULT_EMBEDDING_MODEL, new, give_way=give_way)
    found |= dict(zip(new, made, strict=True))
    for text, vector in found.items():
        _remembered[text] = vector
        _remembered.move_to_end(text)
    while len(_remembered) > _REMEMBERED:
        _remembered.popitem(last=False)
    return found


def _support(said: Said, passages: Sequence[_Passage], vectors: "dict[str, Vector]") -> Support:
    """By the passages that it cites; else the best of all."""
    own = [passage for passage in passages if passage.number in said.numbers] or passages
    scored = [(_score(said, passage, vectors), passage) for passage in own]
    score, best = max(scored, key=lambda pair: pair[0])
    # Of what is cited together, each may have some of the figures.
    known = own if said.numbers else [best]
    figures = set().union(*(passage.figures for passage in known))
    missing = next((one for one in _FIGURE.findall(said.text) if one not in figures), "")
    return Support(round(score, 3), best.number, is_cited=bool(said.numbers), missing=missing)


def _score(said: Said, passage: _Passage, vectors: "dict[str, Vector]") -> float:
    """Mostly the cosine to what is closest in the passage; the rest is the share of its words found
    there."""
    vector = vectors[said.text]
    cosine = max(float(vector @ vectors[part]) for part in passage.parts)
    words = content_words(said.text)
    shared = len(words & passage.words) / len(words) if words else cosine
    return max(0.0, min(1.0, (1 - _WORDS_WEIGHT) * cosine + _WORDS_WEIGHT * shared))


def _keep(measured: Sequence[_Measured]) -> None:
    rows = [
        (work.prompt_id, work.finished_at, json.dumps([one.to_json() for one in support]))
        for work, support in measured
    ]
    with transaction.atomic():
        blind = lock_blind([prompt_id for prompt_id, *_ in rows])
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, list(map(list, zip(*rows, strict=True))))
            kept = {prompt_id for (prompt_id,) in cursor.fetchall()}
        supported = [work for work, support in measured if support and work.prompt_id in kept]
        tell_of_support([(work.prompt_id, work.chat_id) for work in supported], blind)
