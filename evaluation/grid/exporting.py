"""Grids as files, written as they are read: some rows at a time, and nothing is kept in between."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from config.threads import give_connection_back
from evaluation.grid.ordering import View, order_of
from evaluation.grid.showing import Cell, Column, Row, is_answered, rows_of
from evaluation.models import Grid
from evaluation.overlap import word_f1
from tracing.log_export import csv_cell, csv_lines, json_bytes

_CELLS_AT_ONCE = 200
COLUMNS = (
    *("number", "question", "expected_answer", "blueprint", "version", "llm", "status", "answer"),
    *("error", "latency_ms", "first_token_ms", "input_tokens", "output_tokens", "cost"),
    *("rouge_1", "word_f1", "metrics", "sources", "trace_id", "asked_at"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A grid as its reader sees it."""

    grid: Grid
    columns: Sequence[Column]
    view: View


def as_csv(wanted: Wanted) -> Iterator[bytes]:
    """A line for each answer, with a line of names. What has parts of its own is JSON; what a
    spreadsheet would take for a formula has an apostrophe before it."""
    yield csv_lines([list(COLUMNS)]).encode()
    for rows in blocks(wanted):
        records = [record(row, cell) for row in rows for cell in row.cells]
        lines = [[csv_cell(one[name]) for name in COLUMNS] for one in records]
        yield csv_lines(lines).encode()


def as_jsonl(wanted: Wanted) -> Iterator[bytes]:
    """An object for each answer, one a line."""
    for rows in blocks(wanted):
        records = [record(row, cell) for row in rows for cell in row.cells]
        yield b"".join(json_bytes(one) + b"\n" for one in records)


def blocks(wanted: Wanted) -> Iterator[list[Row]]:
    """The rows, in the order in which they are shown, some at a time."""
    run = wanted.grid.run
    numbers = iter(order_of(run, wanted.view))
    size = max(1, _CELLS_AT_ONCE // max(1, len(wanted.columns)))
    while some := list(islice(numbers, size)):
        rows = rows_of(run, wanted.columns, some, with_sources=True)
        # Whoever reads this may take their time with it.
        give_connection_back()
        yield rows


def record(row: Row, cell: Cell) -> dict[str, Any]:
    """One answer. What is not known of it is null."""
    prompt = cell.prompt
    known: dict[str, Any] = dict.fromkeys(COLUMNS)
    known |= {
        "number": row.number,
        "question": row.text,
        "expected_answer": row.reference or None,
        "blueprint": cell.column.name,
        "version": cell.column.chat.blueprint_version.number,
        "llm": cell.column.llm or None,
        "status": "NEW" if prompt is None else str(prompt.status),
    }
    if prompt is None:
        return known
    measured = is_answered(prompt) and bool(row.reference)
    return known | {
        "answer": prompt.result_text or None,
        "error": prompt.error_message or None,
        "latency_ms": prompt.latency_ms,
        "first_token_ms": prompt.first_token_ms,
        "input_tokens": prompt.input_tokens,
        "output_tokens": prompt.output_tokens,
        "cost": None if prompt.cost is None else f"{prompt.cost.normalize():f}",
        "rouge_1": (prompt.confidence_scores or {}).get("rouge"),
        "word_f1": word_f1(prompt.result_text, row.reference) if measured else None,
        "metrics": {
            str(metric.get("formatted_name") or metric["name"]): metric.get("value")
            for metric in prompt.metrics
        },
        "sources": [
            {name: citation.get(name) for name in ("number", "source", "page", "text")}
            for citation in prompt.citations
        ],
        "trace_id": prompt.log_id,
        "asked_at": prompt.created_at,
    }
