"""What was cut and embedded alike before need not be again."""

from collections.abc import Sequence

from django.db.models import Q

from config.status import Status
from vectordb.models import Ingestion

# Counts up when files are read or cut in another way, so that new databases get what is new: since
# 1, chunks have a title and headings.
READING = 1


def contents_seen(ingestions: Sequence[Ingestion]) -> set[str]:
    """The hashes of those contents that any finished ingestion has. Of the others, which are nearly all,
    `same_content` finds nothing."""
    finished = Ingestion.objects.filter(status=Status.COMPLETED, reading=READING)
    hashes = [one.document.sha256 for one in ingestions]
    seen = finished.filter(document__sha256__in=hashes)
    return set(seen.values_list("document__sha256", flat=True))


def same_content(ingestion: Ingestion) -> Ingestion | None:
    """A finished ingestion of the same bytes with the same settings, in the same dataset or use case."""
    database, document = ingestion.vector_database, ingestion.document
    alike = Ingestion.objects.filter(
        status=Status.COMPLETED,
        reading=READING,
        is_edited=False,
        document__sha256=document.sha256,
        document__content_type=document.content_type,
        document__metadata=document.metadata,
        vector_database__embedding_model=database.embedding_model,
        vector_database__chunking_method=database.chunking_method,
        vector_database__chunk_size=database.chunk_size,
        vector_database__chunk_overlap_percentage=database.chunk_overlap_percentage,
        vector_database__separators=database.separators,
        vector_database__is_separator_regex=database.is_separator_regex,
        vector_database__is_custom_chunking=database.is_custom_chunking,
    )
    near = alike.filter(
        Q(vector_database__use_case=database.use_case_id) | Q(document__dataset=document.dataset_id)
    )
    others = near.exclude(pk=ingestion.pk).select_related("document")
    # Read before its columns were looked at, the file was one document: not alike.
    return next((one for one in others[:10] if one.document.columns == document.columns), None)
