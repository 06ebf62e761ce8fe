"""Logs in the words of version 4: those of version 5, flat, with their config and session."""

from collections.abc import Sequence

from blueprints.prompt_details import JSON
from playground.v4.feedback import kind_at
from playground.v5.log_showing import show_logs
from tracing.models import Log
from tracing.sessions import PREFIX

# What both versions call alike.
_ALIKE = (
    "id",
    "output",
    "error",
    "inputs",
    "metadata",
    "source",
    "user",
    "environment",
    "created_at",
    "stdout",
    "save",
    "source_datapoint_id",
    "provider_latency",
    "provider_request",
    "provider_response",
    "output_message",
)
_OF_PROMPTS = (
    "messages",
    "tool_choice",
    "prompt_tokens",
    "output_tokens",
    "prompt_cost",
    "output_cost",
    "finish_reason",
)
_OF_MODELS = (
    "model",
    "provider",
    "endpoint",
    "max_tokens",
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "stop",
    "other",
    "seed",
    "response_format",
    "tools",
)


def show_old_logs(logs: Sequence[Log]) -> list[JSON]:
    """Each of them, in a number of queries that does not depend on how many there are. They must be
    `complete`."""
    parents = Log.objects.only("chosen_id", "face", "reference_id").in_bulk(
        {log.parent_id for log in logs if log.parent_id}
    )
    shown = {row["id"]: row for row in show_logs(logs)}
    return [
        _old(log, shown[log.public_id], parents.get(log.parent_id or ""))
        for log in logs
        if log.public_id in shown
    ]


def _old(log: Log, row: JSON, parent: Log | None) -> JSON:
    file = next(row[kind] for kind in ("prompt", "tool", "flow", "evaluator") if kind in row)
    tokens = [log.input_tokens, log.output_tokens]
    session = log.session
    return {
        **{name: row[name] for name in _ALIKE},
        **{name: row.get(name) for name in _OF_PROMPTS},
        "config": config_of(file),
        "config_id": file["version_id"],
        "project": file["path"],
        "project_id": file["id"],
        "session_id": f"{PREFIX}{session.pk}" if session else None,
        "session_reference_id": session.reference_id if session else None,
        "parent_id": parent.public_id if parent else None,
        "parent_reference_id": parent.reference_id if parent else None,
        "reference_id": log.reference_id,
        "duration": row["provider_latency"],
        "raw_output": row["output"],
        "tokens": sum(filter(None, tokens)) if tokens != [None, None] else None,
        "judgment": log.judgment,
        "feedback": [_feedback(one, row["id"]) for one in row["evaluator_logs"]],
        "evaluation_results": [],
        "observability_status": "completed",
        "updated_at": row["created_at"],
    }


def config_of(file: JSON) -> JSON:
    """A version, as answers tell of it, as the config of a model or a tool."""
    common: JSON = {"id": file["version_id"], "description": file["version_description"]}
    if file["type"] == "prompt":
        is_text = file["endpoint"] == "complete"
        return {
            **common,
            "type": "model",
            "name": file["version_name"] or "",
            **{name: file[name] for name in _OF_MODELS},
            "prompt_template" if is_text else "chat_template": file["template"],
        }
    if file["type"] == "tool":
        return {**common, **_tool(file)}
    return {**common, "type": file["type"], "name": file["name"]}


def _tool(file: JSON) -> JSON:
    function = file["function"] or {}
    return {
        "type": "tool",
        "name": function.get("name") or file["name"],
        "description": function.get("description"),
        "parameters": function.get("parameters"),
        "source_code": file["source_code"],
        "setup_values": file["setup_values"],
        "other": (file["attributes"] or {}).get("other"),
    }


def _feedback(judgment: JSON, data_id: str) -> JSON:
    return {
        "id": judgment["id"],
        "type": kind_at(judgment["evaluator"]["path"]),
        "value": judgment["judgment"],
        "data_id": data_id,
        "user": judgment["user"],
        "created_at": judgment["created_at"],
    }
