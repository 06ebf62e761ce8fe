"""What the content filter of a provider reports, as Azure does: with an answer or instead of one.

A guard is {"name", "stage": "prompt" or "response", "filtered", and "severity" or "detected"};
`filtered` tells whether the filter stepped in.
"""

from typing import Any

from config.storable import storable

Guard = dict[str, Any]

_SEVERITIES = ("safe", "low", "medium", "high")
# Filters have a handful of categories, and a word for each.
_MOST_GUARDS = 100
_LONGEST_WORD = 100


def note_findings(guards: list[Guard], results: Any, stage: str) -> None:
    """Add what `content_filter_results` holds. The parts of a stream are filtered one by one: of
    each category the worst finding is kept."""
    for name, result in results.items() if isinstance(results, dict) else ():
        if isinstance(result, dict) and "filtered" in result:
            _note(guards, _guard(str(name), result, stage))


def findings_in_refusal(body: Any) -> tuple[Guard, ...]:
    """The guards named by an error that was answered in an answer's place."""
    error = body.get("error", body) if isinstance(body, dict) else None
    inner = error.get("innererror") if isinstance(error, dict) else None
    guards: list[Guard] = []
    for holder in (inner, error):
        if isinstance(holder, dict):
            results = holder.get("content_filter_result") or holder.get("content_filter_results")
            note_findings(guards, results, "prompt")
    return tuple(guards)


def _guard(name: str, result: dict[str, Any], stage: str) -> Guard:
    guard: Guard = {
        "name": storable(name)[:_LONGEST_WORD],
        "stage": stage,
        "filtered": bool(result["filtered"]),
    }
    severity = storable(str(result.get("severity") or ""))[:_LONGEST_WORD]
    if severity:
        return guard | {"severity": severity}
    return guard | {"detected": bool(result.get("detected")) or guard["filtered"]}


def _note(guards: list[Guard], guard: Guard) -> None:
    for position, known in enumerate(guards):
        if (known["name"], known["stage"]) == (guard["name"], guard["stage"]):
            if _badness(guard) > _badness(known):
                guards[position] = guard
            return
    if len(guards) < _MOST_GUARDS:
        guards.append(guard)


def _badness(guard: Guard) -> tuple[bool, int, bool]:
    severity = guard.get("severity", "")
    rank = _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)
    return guard["filtered"], rank if severity else 0, bool(guard.get("detected"))
