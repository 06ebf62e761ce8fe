"""A benchmark's figures as a Markdown page: with the machine, the versions and the method they stand for."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("django", "psycopg", "torch", "sentence-transformers", "aiohttp")


def write(
    path: Path, module: str, docstring: str, rows: list[list[object]], *, versions: str = ""
) -> None:
    """Replace the page at `path`. The first of `rows` is the header; `docstring` is the method. Without
    `versions` they are asked of the packages and the database that this process is connected to."""
    title, _, method = docstring.strip().partition("\n")
    command = " ".join(["python -m", module, *sys.argv[1:]])
    page = [
        f"# {title}",
        method.partition("\n    .venv")[0].strip(),
        f"`{command}`, {datetime.now(UTC):%d %B %Y}",
        _markdown(rows),
        f"- Machine: {_machine()}\n- Versions: {versions or _versions()}",
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(page) + "\n", encoding="utf-8")


def _markdown(rows: list[list[object]]) -> str:
    header, *others = [[str(cell) for cell in row] for row in rows]
    # Figures are read from the right.
    rules = ["---:" if _is_figure(column) else "---" for column in zip(*others, strict=True)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rules, *others))


def _is_figure(column: tuple[str, ...]) -> bool:
    return all(cell.replace(",", "").replace(".", "").lstrip("-").isdigit() for cell in column)


def _machine() -> str:
    memory = psutil.virtual_memory().total / (1 << 30)
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}"


def _processor() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    names = [line for line in facts.splitlines() if line.startswith("model name")]
    return names[0].partition(": ")[2] if names else platform.machine()


def _versions() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        server = cursor.fetchone()[0]
        cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        extension = cursor.fetchone()[0]
    return f"PostgreSQL {server}, pgvector {extension}, {python_and_packages()}"


def python_and_packages() -> str:
    packages = [f"{name} {version(name)}" for name in PACKAGES]
    return ", ".join([f"Python {platform.python_version()}", *packages])
