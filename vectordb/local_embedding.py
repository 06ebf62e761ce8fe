"""Models on this server. The only module that knows sentence-transformers; workers alone load it."""

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from logging import ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from tokenizers import Tokenizer

from config.errors import InvalidInput
from vectordb.embedding_models import EmbeddingFailed, EmbeddingModel
from vectordb.hardware import device_and_type
from vectordb.model_folder import ModelFolder

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    Vectors = NDArray[np.float32]

logger = getLogger(__name__)

# Small enough that a question never waits long behind a batch of an ingestion.
BATCH = 16
# Each new shape of a batch makes the runtime keep buffers for it: with any length there may be, a
# worker grew to 1.1 GB; with lengths rounded up to this, it stays at 0.63.
_PAD_TO = 16
# Texts by which a traced model is compared with what was traced.
_TRIED = ("A Short one.", "A longer one, with “marks”, Numbers like 1234 and — more — of the rest.")
_LEAST_ALIKE = 0.99


class _Run(Protocol):
    """Texts with a prefix each to unit vectors, up to `batch` at once. Safe to use from several
    threads."""

    batch: int

    def __call__(self, texts: list[str], prefix: str) -> "Vectors": ...


class LocalEmbedder:
    """A loaded model. Safe to use from several threads."""

    step = BATCH

    def __init__(self, model: EmbeddingModel) -> None:
        """Raises EmbeddingFailed when the model's files cannot be loaded any more, or are not those
        that it was added with."""
        folder = _checked_folder(model)
        try:
            self._run = _run(load(folder), model)
        except Exception as error:
            logger.exception("Loading %s failed", model.id)
            raise EmbeddingFailed(
                f"The embedding model {model.id} could not be loaded: the worker's log says why. Then "
                "retry."
            ) from error
        self._model = model
        self.dimensions = model.dimensions

    def embed(
        self,
        texts: Sequence[str],
        *,
        is_query: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> "Vectors":
        """A float32 array of shape (texts, dimensions); each row has length 1. `check` is called
        between batches; what it raises ends the work."""
        import numpy as np

        prefix = self._model.query_prefix if is_query else self._model.document_prefix
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        # Sorted by length, so that a batch holds little padding.
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        for start in range(0, len(order), self._run.batch):
            batch = order[start : start + self._run.batch]
            vectors[batch] = self._run([texts[index] for index in batch], prefix)
            check()
        return vectors

    def begin(self, queries: Sequence[str]) -> "Future[Vectors]":
        """The vectors of questions. For threads that do nothing else: it takes one core."""
        import torch

        # For this thread only: a few short texts are done sooner than threads are woken for them.
        torch.set_num_threads(1)
        done: Future[Vectors] = Future()
        done.set_result(self.embed(queries, is_query=True))
        return done


def _checked_folder(model: EmbeddingModel) -> ModelFolder:
    try:
        folder = ModelFolder(Path(model.path))
    except InvalidInput as error:
        raise EmbeddingFailed(
            f"The embedding model {model.id} is not in its folder as it was: {error.message}"
        ) from error
    if model.fingerprint and folder.fingerprint() != model.fingerprint:
        raise EmbeddingFailed(
            f"The files of the embedding model {model.id} are not those that it was added with. "
            "Ask staff to put them back, or to add it again by another name."
        )
    return folder


class Facts(NamedTuple):
    """What a model tells of itself."""

    dimensions: int
    window: int | None
    special_tokens: int
    query_prefix: str
    document_prefix: str


def read_facts(folder: ModelFolder) -> Facts:
    """Load the model and ask it. Raises whatever loading it raises."""
    model = load(folder)
    tokenizer = Tokenizer.from_file(str(folder.tokenizer))
    vectors = _unit(model.encode(list(_TRIED), convert_to_numpy=True, show_progress_bar=False))
    if vectors.ndim != 2:
        raise ValueError("It does not give one vector for each text.")
    prompts = {name: prompt for name, prompt in model.prompts.items() if prompt}
    usual = prompts.get(model.default_prompt_name or "", "")
    documents = (prompts[name] for name in ("document", "passage", "corpus") if name in prompts)
    return Facts(
        dimensions=vectors.shape[1],
        window=model.max_seq_length,
        special_tokens=tokenizer.num_special_tokens_to_add(is_pair=False),
        query_prefix=prompts.get("query", usual),
        document_prefix=next(documents, usual),
    )


def load(folder: ModelFolder) -> "SentenceTransformer":
    """The model as sentence-transformers has it, without the network and without foreign code."""
    # Nothing is ever looked up or loaded from a hub.
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
    device, dtype = device_and_type()
    return SentenceTransformer(
        str(folder.path),
        device=device,
        # Other modules have weights of their own, in float32.
        model_kwargs={"use_safetensors": True} | ({"dtype": dtype} if folder.is_plain else {}),
        local_files_only=True,
        trust_remote_code=False,
    )


def _run(loaded: "SentenceTransformer", model: EmbeddingModel) -> _Run:
    encoded = _Encoded(loaded)
    if _is_like_bert(loaded):
        traced = _Traced(loaded, model)
        if _are_alike(traced, encoded, model):
            return traced
    return encoded


def _is_like_bert(loaded: "SentenceTransformer") -> bool:
    """Whether its steps are a fixed sequence that takes ids, mask and types and nothing else."""
    kinds = {type(module).__name__ for module in loaded}
    config = getattr(loaded[0], "config", None)
    is_whole = all(getattr(module, "include_prompt", True) for module in loaded)
    return (
        getattr(config, "model_type", "") == "bert"
        and kinds <= {"Transformer", "Pooling", "Normalize"}
        and is_whole
    )


def _are_alike(traced: "_Traced", encoded: "_Encoded", model: EmbeddingModel) -> bool:
    """Whether both ways lead to the same vectors; a model may prepare texts in ways of its own."""
    one, other = (way(list(_TRIED), model.document_prefix) for way in (traced, encoded))
    return bool(((one * other).sum(axis=1) > _LEAST_ALIKE).all())


class _Encoded:
    """The model as sentence-transformers runs it: right for all, slow beside busy threads."""

    def __init__(self, loaded: "SentenceTransformer") -> None:
        self._loaded = loaded
        # On a CPU, four texts are done in a second or two with the largest models that make sense.
        self.batch = BATCH if loaded.device.type == "cuda" else 4
        # Its tokenizer is set up anew with each call, which two threads must not do at once. And
        # whoever comes is served in turn: a question does not wait for an ingestion's end.
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="encode")

    def __call__(self, texts: list[str], prefix: str) -> "Vectors":
        return self._turns.submit(self._encode, texts, prefix).result()

    def _encode(self, texts: list[str], prefix: str) -> "Vectors":
        return _unit(
            self._loaded.encode(
                texts,
                prompt=prefix,
                batch_size=self.batch,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        )


def _unit(vectors: "Vectors") -> "Vectors":
    """Each row of length 1. Raises ValueError for one that has no direction."""
    import numpy as np

    vectors = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise ValueError("The model gives vectors that are no numbers.")
    return cast("Vectors", vectors / lengths)


class _Traced:
    """The model's steps as they are for any texts: (ids, mask, types), each of shape (texts, tokens),
    to sentence embeddings.

    A step done by Python waits for its turn among all threads that compute, and there are two
    hundred: beside one busy thread, a question took 1.1 s instead of 8 ms. What was traced runs
    from its first step to its last without Python. PyTorch calls tracing deprecated, in favour of
    what needs a C++ compiler where it runs; `torch` is pinned to a version that has it.
    """

    batch = BATCH

    def __init__(self, loaded: "SentenceTransformer", model: EmbeddingModel) -> None:
        self._device = str(loaded.device)
        self._steps = _trace(loaded, self._device)
        self._tokenizer = Tokenizer.from_file(model.tokenizer)
        self._tokenizer.enable_truncation(model.max_tokens)
        self._tokenizer.enable_padding(pad_to_multiple_of=_PAD_TO)

    def __call__(self, texts: list[str], prefix: str) -> "Vectors":
        import torch

        encodings = self._tokenizer.encode_batch([prefix + text for text in texts])
        columns = [
            [encoding.ids for encoding in encodings],
            [encoding.attention_mask for encoding in encodings],
            [encoding.type_ids for encoding in encodings],
        ]
        features = [torch.tensor(rows, device=self._device) for rows in columns]
        with torch.inference_mode():
            vectors = self._steps(*features).float()
            return cast("Vectors", torch.nn.functional.normalize(vectors, dim=1).cpu().numpy())


def _trace(model: "SentenceTransformer", device: str) -> "Callable[..., torch.Tensor]":
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
    ids = torch.ones((2, _PAD_TO), dtype=torch.long, device=device)
    mask = torch.ones_like(ids)
    mask[1, _PAD_TO // 2 :] = 0
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = Steps().eval()
        inputs = (ids, mask, torch.zeros_like(ids))
        traced = torch.jit.trace(steps, inputs, check_trace=False)  # type: ignore[no-untyped-call]
        return cast("Callable[..., torch.Tensor]", torch.jit.freeze(traced))
