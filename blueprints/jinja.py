"""Templates in jinja: what they ask for, and what they say with it."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError, nodes

from blueprints.prompt_details import JSON
from config.errors import Conflict, InvalidInput
from vectordb.parser_process import child_environment

_PROGRAM = Path(__file__).with_name("jinja_process.py")
_SECONDS = 2
_MEMORY_BYTES = 256 << 20
_LONGEST = 2_000_000  # characters, all texts together
_MOST_ERROR = 500
# Each keeps a processor busy for as long as its template likes to.
_AT_ONCE = threading.BoundedSemaphore(4)
_WAIT_SECONDS = 2.0
_OWN_NAMES = {"loop", "caller", "varargs", "kwargs", "self", "super"}

# Only to read with: what runs, runs in the other process.
_reader = Environment()  # noqa: S701 - nothing is rendered, least of all as HTML


def variables(texts: Iterable[str]) -> list[str]:
    """What the texts use and do not make themselves, in the order of their first use. A text that is
    no template uses nothing."""
    names: dict[str, None] = {}
    for text in texts:
        names |= dict.fromkeys(_variables(text))
    return list(names)


def _variables(text: str) -> list[str]:
    try:
        tree = _reader.parse(text)
        used = list(tree.find_all(nodes.Name))
        macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    except (TemplateSyntaxError, RecursionError):
        return []
    made = {node.name for node in used if node.ctx != "load"}
    known = made | macros | _OWN_NAMES | set(_reader.globals)
    return [node.name for node in used if node.name not in known]


def fill(texts: Sequence[str], inputs: JSON) -> list[str]:
    """The texts with the inputs in their places. What has no value is empty, as jinja has it.

    Takes some tens of milliseconds, and up to two seconds; blocks. Raises InvalidInput with what is
    wrong with a template, or Conflict where too many others are being filled.
    """
    if not texts:
        return []
    asked = json.dumps({"texts": list(texts), "inputs": inputs, "longest": _LONGEST})
    if not _AT_ONCE.acquire(timeout=_WAIT_SECONDS):
        raise Conflict("Many templates are being filled: try again in a moment.")
    try:
        said = _answer(asked)
    finally:
        _AT_ONCE.release()
    if "error" in said:
        raise _wrong(said["error"][:_MOST_ERROR])
    return list(said["texts"])


def _answer(asked: str) -> JSON:
    try:
        ended = subprocess.run(  # noqa: S603 - our own program, no shell
            [sys.executable, "-I", str(_PROGRAM), str(_MEMORY_BYTES), str(_SECONDS + 1)],
            input=asked.encode(),
            capture_output=True,
            timeout=_SECONDS,
            env=child_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _wrong(f"it takes longer than {_SECONDS} seconds") from None
    if ended.returncode:
        raise _wrong("it asks for more than a template may have")
    answer: JSON = json.loads(ended.stdout)
    return answer


def _wrong(reason: str) -> InvalidInput:
    return InvalidInput(
        f"The template cannot be filled: {reason.rstrip('.')}. Change it and try again."
    )
