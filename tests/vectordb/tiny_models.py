"""Embedding models of other builds than the packaged one: tiny, of random weights, made here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

TEXT = """Goods can be returned within thirty days of delivery. The box may be opened. We ship to the
islands on Tuesdays, by boat. Parcels over twenty kilograms go by freight. The shop is closed on Mondays
and opens at nine on every other day. Die Lampen der Leuchtfeuer brennen mit Rapsöl. Où est la gare ?
query: passage: search 0 1 2 3 4 5 6 7 8 9 ! ? ; ( ) " ' , . : -"""
SIZES: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
WINDOW = 160


def lines() -> Iterator[str]:
    yield from TEXT.split("\n")


def bert_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special)
    tokenizer.train_from_iterator(lines(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = ["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"]
    return _fast(tokenizer, dict(zip(names, special, strict=True)))


def unigram_tokenizer() -> PreTrainedTokenizerFast:
    """As that of XLM-R."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.UnigramTrainer(vocab_size=150, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(lines(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = ["bos_token", "pad_token", "eos_token", "unk_token", "mask_token"]
    return _fast(tokenizer, dict(zip(names, special, strict=True)))


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """As that of RoBERTa: a word has other tokens behind a space than alone."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(lines(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = ["bos_token", "pad_token", "eos_token", "unk_token", "mask_token"]
    return _fast(tokenizer, dict(zip(names, special, strict=True)))


def _fast(tokenizer: Tokenizer, special: dict[str, str]) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **special)


def _transformer(kind: str, vocabulary: int) -> PreTrainedModel:
    common: dict[str, Any] = {
        "vocab_size": vocabulary,
        "max_position_embeddings": 514,
        "pad_token_id": 1,
    }
    if kind == "bert":
        return BertModel(BertConfig(**SIZES | common, intermediate_size=64))
    if kind == "distilbert":
        sizes: dict[str, Any] = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
        return DistilBertModel(DistilBertConfig(**sizes | common))
    if kind == "roberta":
        return RobertaModel(RobertaConfig(**SIZES | common, intermediate_size=64))
    return XLMRobertaModel(XLMRobertaConfig(**SIZES | common, intermediate_size=64))


TOKENIZERS = {
    "bert": bert_tokenizer,
    "distilbert": bert_tokenizer,
    "roberta": byte_tokenizer,
    "xlm-roberta": unigram_tokenizer,
}


def make(
    folder: Path,
    kind: str = "distilbert",
    *,
    pooling: Any = "mean",
    dense: int | None = None,
    prompts: dict[str, str] | None = None,
) -> Path:
    """Write a model of this kind into the folder, as sentence-transformers saves its own."""
    torch.manual_seed(7)
    tokenizer = TOKENIZERS[kind]()
    parts = folder.with_name(f"{folder.name}-parts")
    # Weights as they begin are so small that all texts have nearly one vector.
    transformer = _transformer(kind, len(tokenizer))
    with torch.no_grad():
        for weights in transformer.parameters():
            if weights.ndim == 2:
                weights.normal_(0, 0.3)
    transformer.save_pretrained(parts)
    tokenizer.save_pretrained(parts)
    modules: list[torch.nn.Module] = [
        Transformer(str(parts), max_seq_length=WINDOW),
        Pooling(32, pooling),
    ]
    if dense:
        modules.append(Dense(32, dense))
    modules.append(Normalize())
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(folder))
    return folder
