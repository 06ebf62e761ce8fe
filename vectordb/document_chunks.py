"""A document to chunks, the same for whoever asks: ingestion stores them, the chunking lab shows
them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vectordb import files
from vectordb.chunking_settings import ChunkingSettings
from vectordb.models import Document
from vectordb.parser_process import ChunkingRequest, ParserProcess, Portion
from vectordb.semantic import Grouper

if TYPE_CHECKING:
    from vectordb.embedding import Vectors


def read_chunks(
    parser: ParserProcess,
    document: Document,
    chunking: ChunkingSettings,
    embed: Callable[[Sequence[str]], "Vectors"],
) -> Iterator[Portion]:
    """The document's chunks in order, portion by portion. Only the semantic method calls `embed`.

    Raises ParseError for what cannot be read.
    """
    request = _request(chunking)
    grouper = Grouper(request.model_id, request.size, embed)
    done = total = 0
    path = files.stored_path(document.stored_name)
    for portion in parser.read(path, document.content_type, request):
        done, total = portion.done, portion.total
        if chunking.is_semantic:
            portion = replace(portion, chunks=grouper.add(portion.chunks))
        yield portion
    yield Portion(grouper.finish(), done, total)


def _request(chunking: ChunkingSettings) -> ChunkingRequest:
    return ChunkingRequest(
        method=chunking.cutting_method,
        model_id=chunking.embedding_model,
        size=chunking.content_tokens,
        overlap=chunking.overlap_tokens,
        separators=list(chunking.separators),
        is_separator_regex=chunking.is_separator_regex,
    )
