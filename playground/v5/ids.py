"""Ids on the wire: what they are of, an underscore, and the row's own id."""

from blueprints.kinds import Kind

DIRECTORY = "dir"
ENVIRONMENT = "env"
USER = "usr"
_FILES: dict[Kind, str] = {"prompt": "pr", "flow": "fl", "tool": "tl", "evaluator": "ev"}


def file_id(kind: Kind, pk: str) -> str:
    return f"{_FILES[kind]}_{pk}"


def version_id(kind: Kind, pk: str) -> str:
    return f"{_FILES[kind]}v_{pk}"


def kind_of(sent: str) -> Kind | None:
    """What the id of a file is of; None where it is no such id."""
    prefix = sent.partition("_")[0]
    return next((kind for kind, own in _FILES.items() if own == prefix), None)


def bare_file_id(kind: Kind, sent: str) -> str:
    """The row's id; "", which nothing has, where it is not the id of one of this kind."""
    return bare(_FILES[kind], sent)


def bare_version_id(kind: Kind, sent: str) -> str:
    return bare(f"{_FILES[kind]}v", sent)


def bare(prefix: str, sent: str) -> str:
    begin = f"{prefix}_"
    return sent.removeprefix(begin) if sent.startswith(begin) else ""
