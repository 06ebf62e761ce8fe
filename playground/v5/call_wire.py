"""Calls as answers tell of them, whole or in pieces."""

import json
from datetime import timedelta
from typing import Any

from django.utils import timezone

from blueprints.costs import prices
from blueprints.models import BlueprintVersion
from blueprints.prompt_details import JSON
from config.api.case import moment
from playground.calls.calling import Call, Sample
from playground.calls.log import Caller
from playground.spending import spending
from playground.v5 import ids
from playground.v5.showing import show
from tracing.models import LogStatus


def has_template(call: Call) -> bool:
    settings = call.settings
    own = settings.llm_settings.system_prompt or settings.prompt.template
    return bool(own) or not settings.prompt.model


def answer(
    call: Call,
    version: BlueprintVersion,
    caller: Caller,
    samples: list[Sample],
    body: dict[str, Any],
) -> JSON:
    """The whole answer, once it is recorded."""
    log_id = caller.public_id(samples[0])
    outcome = samples[0].outcome
    ended = outcome.started_at + timedelta(milliseconds=outcome.watch.milliseconds())
    root = caller.place.parent
    return {
        "id": log_id,
        "log_id": log_id,
        "trace_id": (root.root or root).public_id if root is not None else None,
        "trace_parent_id": body.get("trace_parent_id"),
        "prompt": show(version),
        "messages": body.get("messages"),
        "tool_choice": tool_choice(call),
        "inputs": call.inputs if body["return_inputs"] else {},
        "start_time": moment(body.get("started_at", outcome.started_at)),
        "end_time": moment(body.get("ended_at", ended)),
        "source": body.get("source"),
        "metadata": body.get("metadata"),
        "log_status": body.get("log_status", LogStatus.COMPLETE),
        "source_datapoint_id": body.get("source_datapoint_id"),
        "user": body.get("end_user"),
        "environment": body.get("environment"),
        "save": body["save"],
        "logs": [_sample(call, one) for one in samples],
    }


def tool_choice(call: Call) -> Any:
    """As it was asked for, else what it is then."""
    has_tools = bool(call.settings.prompt.tools or call.options.get("tools"))
    return call.options.get("tool_choice", "auto" if has_tools else "none")


def event(
    call: Call,
    version: BlueprintVersion,
    caller: Caller,
    sample: Sample,
    *,
    text: str,
    is_over: bool,
) -> bytes:
    """One line of a stream: the new piece of text, and at the end of a sample all of its figures."""
    told: JSON = {
        "index": sample.index,
        "id": caller.public_id(sample),
        "prompt_id": ids.file_id("prompt", version.blueprint_id),
        "version_id": ids.version_id("prompt", version.pk),
        "output": text,
        "finish_reason": None,
        "created_at": moment(timezone.now()),
    }
    if is_over:
        told |= _figures(call, sample)
        told["output_message"] = _message(sample) if sample.tool_calls else None
    # In ASCII: the client's parser would take some of Unicode's line ends for ends of lines.
    return b"data: " + json.dumps(told).encode() + b"\n\n"


def _sample(call: Call, sample: Sample) -> JSON:
    failed = sample.error is not None
    return {
        "index": sample.index,
        "output": None if failed else sample.text,
        "output_message": None if failed else _message(sample),
        "created_at": moment(timezone.now()),
        "stdout": None,
        "citations": sample.citations,
        **_figures(call, sample),
    }


def _message(sample: Sample) -> JSON:
    message: JSON = {"role": "assistant", "content": sample.text or None}
    if sample.tool_calls:
        message["tool_calls"] = sample.tool_calls
    elif not sample.text:
        message["content"] = ""
    return message


def _figures(call: Call, sample: Sample) -> JSON:
    completion = sample.outcome.completion
    spent = spending(call.llm, sample.outcome, sample.text).total
    both = None
    if completion is not None:
        both = prices(call.llm, completion.model_name, spent.input_tokens, spent.output_tokens)
    return {
        "error": sample.error.message if sample.error is not None else None,
        "finish_reason": completion.finish_reason if completion else None,
        "provider_latency": round(sample.outcome.took_ms / 1_000, 6),
        "prompt_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "reasoning_tokens": completion.reasoning_tokens if completion else None,
        "prompt_cost": float(both[0]) if both else None,
        "output_cost": float(both[1]) if both else None,
    }
