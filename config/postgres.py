"""The embedded PostgreSQL that `make run` starts when DATABASE_URL names no other."""

from pathlib import Path
from urllib.parse import quote


def embedded_url(folder: Path) -> str:
    return f"postgresql://postgres@/groundwork?host={quote(str(folder))}"
