"""A real cross encoder, so small that it is made in a moment: its weights are random."""

from pathlib import Path

import pytest

_TEXT = (
    "the a shop is closed on mondays sundays opens late parcels to islands go by boat umbrellas are "
    "rented out days of rain when which day ? . , kittens purr dog barks fox hens barn"
)
WINDOW = 48


@pytest.fixture(scope="session")
def cross_encoder(tmp_path_factory) -> Path:
    """The folder of a BERT with one output and a window of `WINDOW` tokens."""
    return make_cross_encoder(tmp_path_factory.mktemp("cross-encoder"))


def make_cross_encoder(folder: Path, outputs: int = 1) -> Path:
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(_TEXT.split())]
    (folder / "vocab.txt").write_text("\n".join(tokens))
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"), model_max_length=WINDOW)
    config = BertConfig(
        vocab_size=len(tokens),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=WINDOW,
        # Far larger than usual: else all scores are nearly the same.
        initializer_range=0.5,
    )
    config.num_labels = outputs
    with torch.random.fork_rng():
        torch.manual_seed(7)
        BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
