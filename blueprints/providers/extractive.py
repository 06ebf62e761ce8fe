"""The built-in LLM: it quotes the sentences of the sources that fit the question best."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import numpy as np
from django.conf import settings

from blueprints.models import LLM
from blueprints.providers.base import Completion, LLMRequest, Source, TextPiece
from blueprints.providers.sentences import split_sentences
from vectordb.embedding import embed_texts
from vectordb.tokens import count_tokens, cut_to_tokens

MODEL_NAME = "extractive"
LONGEST_ANSWER = 4  # sentences
THRESHOLD = 0.35  # cosine to the question, below which nothing is an answer
MARGIN = 0.15  # how far behind the best sentence another may be
SAME = 0.9  # cosine between two sentences that say the same
MOST_SENTENCES = 300

NO_SOURCES = (
    "This LLM only quotes sources, and there are none: choose a vector database for this "
    "blueprint, or another LLM."
)
NO_ANSWER = (
    "The sources don't answer this question: none of their sentences is close enough to it. "
    "Put it differently, retrieve more chunks, or choose another LLM."
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    number: int  # of the source
    text: str


def client_for(llm: LLM) -> "ExtractiveClient":
    return ExtractiveClient()


class ExtractiveClient:
    """Answers from `request.sources` alone; it reads no prompts and follows no instructions."""

    async def stream(self, request: LLMRequest) -> AsyncGenerator[TextPiece | Completion, None]:
        """See `base.Client`. A piece is a sentence with its citation."""
        output_tokens = 0
        finish_reason = "stop"
        for piece in await _answer(request):
            room = (request.max_completion_length or 1_000_000) - output_tokens
            count = count_tokens(piece)
            if count > room:
                finish_reason = "length"
                piece = cut_to_tokens(piece, room) if room else ""
                count = count_tokens(piece)
            if piece:
                output_tokens += count
                yield TextPiece(piece)
            if finish_reason == "length":
                break
        read = sum(count_tokens(source.text) for source in request.sources)
        yield Completion(
            finish_reason=finish_reason,
            input_tokens=count_tokens(request.question) + read,
            output_tokens=output_tokens,
            model_name=MODEL_NAME,
        )


async def _answer(request: LLMRequest) -> list[str]:
    """The pieces of the answer in reading order."""
    if not request.sources:
        return [NO_SOURCES]
    candidates = _candidates(request.sources)
    if not candidates:
        return [NO_ANSWER]
    texts = [request.question, *(candidate.text for candidate in candidates)]
    vectors = np.asarray(await embed_texts(settings.DEFAULT_EMBEDDING_MODEL, texts))
    chosen = choose(vectors[0], vectors[1:])
    if not chosen:
        return [NO_ANSWER]
    pieces: list[str] = []
    last = None
    for index in chosen:
        candidate = candidates[index]
        gap = "" if last is None else (" " if last == candidate.number else "\n\n")
        pieces.append(f"{gap}{candidate.text} [{candidate.number}]")
        last = candidate.number
    return pieces


def _candidates(sources: tuple[Source, ...]) -> list[_Candidate]:
    """Every sentence once, in reading order; headings alone are no answers."""
    found: dict[str, _Candidate] = {}
    for source in sources:
        for sentence in split_sentences(source.text):
            if not sentence.is_heading:
                found.setdefault(sentence.text.casefold(), _Candidate(source.number, sentence.text))
    return list(found.values())[:MOST_SENTENCES]


def choose(question: np.ndarray, sentences: np.ndarray) -> list[int]:
    """The positions of the sentences to quote, in reading order; empty when nothing fits.

    `question` is (d,), `sentences` (n, d), both normalised.
    """
    scores = sentences @ question
    order = np.argsort(-scores)
    floor = max(THRESHOLD, float(scores[order[0]]) - MARGIN)
    chosen: list[int] = []
    for index in order:
        if scores[index] < floor or len(chosen) == LONGEST_ANSWER:
            break
        if all(float(sentences[index] @ sentences[other]) < SAME for other in chosen):
            chosen.append(int(index))
    return sorted(chosen)
