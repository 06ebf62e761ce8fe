"""Texts to vectors. The only module that knows sentence-transformers; workers alone load it."""

import asyncio
import os
import platform
import queue
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from logging import ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast
from weakref import WeakKeyDictionary

from tokenizers import Tokenizer

from config.threads import in_thread
from vectordb.embedding_models import EmbeddingModel, get_model

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    Vectors = NDArray[np.float32]

# Small enough that a question never waits long behind a batch of an ingestion.
BATCH = 16
# Each new shape of a batch makes the runtime keep buffers for it: with any length there may be, a
# worker grew to 1.1 GB; with lengths rounded up to this, it stays at 0.63.
_PAD_TO = 16
_MOST_QUERIES = 64


class Embedder:
    """A loaded model. Safe to use from several threads."""

    def __init__(self, model: EmbeddingModel) -> None:
        # Models are packaged: nothing is ever looked up or loaded from a hub.
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        # Threads that wait must sleep. By default they spin, which on a busy machine of few cores
        # costs most of the time there is: measured 10 ms a question against 270.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        # What it says of itself while it is traced is nobody's concern.
        getLogger("sentence_transformers").setLevel(ERROR)
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        self._device, dtype = _device_and_type()
        loaded = SentenceTransformer(
            str(model.path),
            device=self._device,
            model_kwargs={"dtype": dtype},
            local_files_only=True,
        )
        self._model = _traced(loaded, self._device)
        self._tokenizer = Tokenizer.from_file(str(model.path / "tokenizer.json"))
        self._tokenizer.enable_truncation(model.max_tokens)
        self._tokenizer.enable_padding(pad_to_multiple_of=_PAD_TO)
        self.dimensions = model.dimensions
        self.max_tokens = model.max_tokens

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """A float32 array of shape (texts, dimensions); each row has length 1."""
        import numpy as np

        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        # Sorted by length, so that a batch holds little padding.
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            vectors[batch] = self._embed_batch([texts[index] for index in batch])
        return vectors

    def _embed_batch(self, texts: list[str]) -> "Vectors":
        import torch

        encodings = self._tokenizer.encode_batch(texts)
        columns = [
            [encoding.ids for encoding in encodings],
            [encoding.attention_mask for encoding in encodings],
            [encoding.type_ids for encoding in encodings],
        ]
        features = [torch.tensor(rows, device=self._device) for rows in columns]
        with torch.inference_mode():
            vectors = self._model(*features).float()
            return cast("Vectors", torch.nn.functional.normalize(vectors, dim=1).cpu().numpy())


def _traced(model: "SentenceTransformer", device: str) -> "Callable[..., torch.Tensor]":
    """The model's steps as they are for any texts: (ids, mask, types), each of shape (texts, tokens),
    to sentence embeddings.

    A step done by Python waits for its turn among all threads that compute, and there are two
    hundred: beside one busy thread, a question took 1.1 s instead of 8 ms. What was traced runs
    from its first step to its last without Python. PyTorch calls tracing deprecated, in favour of
    what needs a C++ compiler where it runs; `torch` is pinned to a version that has it.
    """
    import torch

    class Steps(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(
            self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor
        ) -> torch.Tensor:
            features = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
            embeddings: torch.Tensor = self.model(features)["sentence_embedding"]
            return embeddings

    # Two texts of unlike length: what is traced must hold for padding too.
    ids = torch.full((2, _PAD_TO), 1_000, device=device)
    mask = torch.ones_like(ids)
    mask[1, _PAD_TO // 2 :] = 0
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = Steps().eval()
        inputs = (ids, mask, torch.zeros_like(ids))
        traced = torch.jit.trace(steps, inputs, check_trace=False)  # type: ignore[no-untyped-call]
        return cast("Callable[..., torch.Tensor]", torch.jit.freeze(traced))


def _device_and_type() -> "tuple[str, torch.dtype]":
    import torch

    if torch.cuda.is_available():
        return "cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return "cpu", torch.bfloat16 if cpu_has_bfloat16() else torch.float32


def cpu_has_bfloat16() -> bool:
    """True where bfloat16 is computed by the CPU itself; elsewhere it is slower than float32."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    flags = {"avx512_bf16", "amx_bf16"} if platform.machine() == "x86_64" else {"bf16"}
    return bool(words & flags)


_loading = threading.Lock()


def get_embedder(model_id: str) -> Embedder:
    """The model, loaded at its first use and kept. Raises InvalidInput for an unknown id."""
    with _loading:
        return _load(model_id)


@lru_cache(maxsize=4)
def _load(model_id: str) -> Embedder:
    return Embedder(get_model(model_id))


async def embed_texts(model_id: str, texts: Sequence[str]) -> "Vectors":
    """As `Embedder.embed`, off the event loop."""
    return await in_thread(lambda: get_embedder(model_id).embed(texts))


class _Query(NamedTuple):
    text: str
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[list[float]]"


class _QueryThread:
    """Questions that arrive while one is embedded share the next pass through the model."""

    def __init__(self, model_id: str) -> None:
        self._model_id = model_id
        self._queue: queue.SimpleQueue[_Query] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="embed-queries", daemon=True).start()

    def put(self, query: _Query) -> None:
        self._queue.put(query)

    def _serve(self) -> None:
        import torch

        # For this thread only: a few short texts are done sooner than threads are woken for them.
        torch.set_num_threads(1)
        while True:
            batch = [self._queue.get()]
            while len(batch) < _MOST_QUERIES and not self._queue.empty():
                batch.append(self._queue.get())
            self._answer(batch)

    def _answer(self, batch: list[_Query]) -> None:
        try:
            vectors = get_embedder(self._model_id).embed([query.text for query in batch]).tolist()
        except BaseException as error:
            for query in batch:
                _call_back(query, error=error)
        else:
            for query, vector in zip(batch, vectors, strict=True):
                _call_back(query, vector=vector)


def _call_back(
    query: _Query, *, vector: list[float] | None = None, error: BaseException | None = None
) -> None:
    def settle() -> None:
        if query.future.done():  # whoever asked was cancelled
            return
        if error is not None:
            query.future.set_exception(error)
        else:
            query.future.set_result(vector or [])

    try:
        query.loop.call_soon_threadsafe(settle)
    except RuntimeError:
        pass  # the loop has ended, and with it whoever asked


_query_thread = lru_cache(maxsize=4)(_QueryThread)


# The vectors of the last questions: several blueprints are asked the same one, and a question is
# announced to the worker before it may read it.
_MOST_REMEMBERED = 256
_LONGEST_REMEMBERED = 8_000

_Vector = asyncio.Future[list[float]]
_remembered: "WeakKeyDictionary[asyncio.AbstractEventLoop, OrderedDict[tuple[str, str], _Vector]]" = WeakKeyDictionary()


async def embed_query(model_id: str, text: str) -> list[float]:
    """The vector of a question, of length 1."""
    # Shielded: somebody else may wait for the same one.
    return await asyncio.shield(embed_ahead(model_id, text))


def embed_ahead(model_id: str, text: str) -> _Vector:
    """Begin to embed a question, unless that was begun already. Raises InvalidInput for an
    unknown model."""
    get_model(model_id)
    loop = asyncio.get_running_loop()
    recent = _remembered.setdefault(loop, OrderedDict())
    key = (model_id, text)
    if (known := recent.get(key)) is not None:
        recent.move_to_end(key)
        return known
    future: _Vector = loop.create_future()
    if len(text) <= _LONGEST_REMEMBERED:
        recent[key] = future
        if len(recent) > _MOST_REMEMBERED:
            recent.popitem(last=False)
        future.add_done_callback(partial(_forget_failed, recent, key))
    _query_thread(model_id).put(_Query(text, loop, future))
    return future


def _forget_failed(
    recent: OrderedDict[tuple[str, str], _Vector], key: tuple[str, str], future: _Vector
) -> None:
    # Asked for its exception, so that asyncio does not miss a reader when nobody waits.
    if (future.cancelled() or future.exception() is not None) and recent.get(key) is future:
        del recent[key]
