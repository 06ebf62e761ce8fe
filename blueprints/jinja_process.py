"""Fills templates in jinja, in a process of its own: one may loop for ever, or fill all memory.

Run by `blueprints.jinja` as a script, with nothing of ours to import. Reads `texts`, `inputs` and
`longest`, writes `texts` or `error`, all as JSON.
"""

import json
import resource
import sys
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment


def filled(texts: list[str], inputs: dict[str, Any], longest: int) -> list[str]:
    """Raises whatever the templates run into, and ValueError where they become too long together."""
    environment = ImmutableSandboxedEnvironment(keep_trailing_newline=True)
    done: list[str] = []
    left = longest
    for text in texts:
        parts: list[str] = []
        for part in environment.from_string(text).generate(inputs):
            left -= len(part)
            if left < 0:
                raise ValueError(f"it becomes longer than {longest:,} characters")
            parts.append(part)
        done.append("".join(parts))
    return done


def main() -> None:
    memory, seconds = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Should nobody be left to end it.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    said: dict[str, Any]
    try:
        said = {"texts": filled(**json.load(sys.stdin))}
    except MemoryError:
        said = {"error": "it needs more memory than a template may have"}
    except Exception as error:
        said = {"error": str(error) or type(error).__name__}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
