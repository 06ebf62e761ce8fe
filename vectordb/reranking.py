"""Question and passage read together by a cross encoder, which tells better than their vectors how
well they fit, and takes far longer. Workers alone load it, when a blueprint first asks for it.

(Nogueira and Cho, Passage Re-ranking with BERT, 2019.)
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from logging import ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from config.errors import Conflict
from vectordb import model_client
from vectordb.hardware import device_and_type
from vectordb.passages import Record
from vectordb.ranking import Ranked

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

logger = getLogger(__name__)

_BATCH = 16
# Of models that take more: no passage is longer.
_LARGEST_WINDOW = 8_192
# One at a time: each uses all cores, and answers that wait here hold nothing else up.
_thread = ThreadPoolExecutor(1, thread_name_prefix="rerank")


class Reranker:
    """A loaded model with one output: the higher, the better a text fits a question."""

    def __init__(self, name: str) -> None:
        # As for embedding: nothing is ever looked up or loaded from a hub.
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from sentence_transformers import CrossEncoder

        getLogger("sentence_transformers").setLevel(ERROR)
        device, dtype = device_and_type()
        self._model: CrossEncoder = CrossEncoder(
            name, device=device, model_kwargs={"dtype": dtype}, local_files_only=True
        )
        if self._model.num_labels != 1:
            raise ValueError(f"{name} has {self._model.num_labels} outputs, and a reranker has one")
        self.window = _window(self._model)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """One for each text, on a scale of the model's own. What is beyond the window is not read."""
        import torch

        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        scores = [0.0] * len(texts)
        # The outputs as they are: a sigmoid of bfloat16 would make equals of the best.
        told = self._model.predict(
            [(question, texts[index]) for index in order],
            batch_size=_BATCH,
            show_progress_bar=False,
            activation_fn=torch.nn.Identity(),
            processing_kwargs={"text": {"max_length": self.window, "truncation": True}},
        )
        for index, score in zip(order, told.tolist(), strict=True):
            scores[index] = score
        return scores


def _window(model: "CrossEncoder") -> int:
    """Tokens of question and text together, special ones included."""
    positions = getattr(model.config, "max_position_embeddings", None)
    bounds = (model.max_seq_length, model.tokenizer.model_max_length, positions)
    return min(bound for bound in (*bounds, _LARGEST_WINDOW) if bound)


def require_reranker() -> None:
    """Raise Conflict where this process has none."""
    if not settings.RERANKER:
        raise Conflict(
            "This worker has no reranker: set GROUNDWORK_RERANKER for it, or switch reranking off."
        )


@lru_cache(maxsize=1)
def _load(name: str) -> Reranker:
    return Reranker(name)


def _scores(name: str, question: str, texts: Sequence[str]) -> list[float]:
    try:
        reranker = _load(name)
    except Exception as error:
        logger.exception("The reranker %s cannot be loaded", name)
        # Users need not know the server's folders.
        raise Conflict(
            f"The reranker “{Path(name).name}” cannot be loaded: GROUNDWORK_RERANKER must name the "
            "folder of a cross encoder on the worker's disk. The server's log says more."
        ) from error
    return reranker.scores(question, texts)


async def scores(question: str, texts: Sequence[str]) -> list[float]:
    """One for each text, by this process or a worker. Raises Conflict when the reranker cannot be
    loaded."""
    if not settings.LOADS_MODELS:
        return await model_client.rerank(question, texts)
    return await scores_here(question, texts)


async def scores_here(question: str, texts: Sequence[str]) -> list[float]:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_thread, _scores, settings.RERANKER, question, texts)


async def reranked(
    question: str, found: Ranked, texts: Mapping[int, str], record: Record
) -> Ranked:
    """The candidates in the order of the cross encoder's scores; equals stay as they were.

    Raises Conflict when it cannot be loaded.
    """
    ids = [chunk_id for chunk_id in found.ids if chunk_id in texts]
    told = await scores(question, [texts[chunk_id] for chunk_id in ids])
    by_id = dict(zip(ids, told, strict=True))
    best = sorted(ids, key=lambda chunk_id: -by_id[chunk_id])
    lowest = min(told, default=0.0)
    reach = max(told, default=0.0) - lowest
    record.note("rerank", len(found.ids), len(best), Path(settings.RERANKER).name)
    record.rank("rerank", best)
    return replace(
        found,
        ids=best,
        fits=[(by_id[chunk_id] - lowest) / reach if reach else 1.0 for chunk_id in best],
    )
