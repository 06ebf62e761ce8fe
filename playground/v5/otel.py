"""What the SDK's decorators send when a function returns: a tool's whole log, or how a flow ended."""

import logging
from typing import Any

from django.db import transaction
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from blueprints.kinds import Kind
from blueprints.prompt_details import JSON
from config.errors import AppError
from playground.v5 import log_shapes
from playground.v5.endpoint import PromptEndpoint
from playground.v5.log_writing import change, visible_log, write
from playground.v5.reading import Shape, read_json, validated
from playground.v5.spans import attributes_of, spans_in, time_of, typed
from tracing.models import Log, LogKind

logger = logging.getLogger(__name__)

_NEW: dict[str, tuple[Kind, type[Shape]]] = {
    "flow": ("flow", log_shapes.NewFlowLog),
    "tool": ("tool", log_shapes.NewToolLog),
}
_OF_FILES = ("path", "type")


class Import(PromptEndpoint):
    """Always 200: at anything else the SDK's uploader ends for good, and its process records nothing
    any more. What cannot be made a log of is told in our own log."""

    def post(self, request: Request) -> Response:
        made: list[str] = []
        try:
            for span in spans_in(read_json(request.body)):
                log = self._safely(span)
                made += [log.public_id] if log else []
        except Exception:
            logger.warning("Spans could not be read", exc_info=True)
        return Response({"records": made})

    def _safely(self, span: JSON) -> Log | None:
        """Whatever a span holds, the next one is read."""
        try:
            return self._log_of(span)
        except Exception:
            logger.warning("A span became no log", exc_info=True)
            return None

    def _log_of(self, span: JSON) -> Log | None:
        ours = attributes_of(span).get("humanloop")
        file, told = (_part(ours, name) for name in ("file", "log"))
        if file.get("type") not in _NEW:
            return None
        try:
            with transaction.atomic():
                return self._changed(told) if "id" in told else self._new(span, file, told)
        except (AppError, APIException) as error:
            logger.warning("A span of %s became no log: %s", file.get("path"), error)
            return None

    def _changed(self, told: JSON) -> Log:
        """How a flow ended that was begun by a request of its own."""
        log = visible_log(self.user, self.use_case, str(told["id"]), kind=LogKind.FLOW)
        return change(
            log, user=self.user, body=validated(told, log_shapes.FlowLogPatch, where="body")
        )

    def _new(self, span: JSON, file: JSON, told: JSON) -> Log:
        kind, shape = _NEW[file["type"]]
        times: dict[str, Any] = {
            "start_time": time_of(span, "startTimeUnixNano"),
            "end_time": time_of(span, "endTimeUnixNano"),
        }
        details = {name: typed(value) for name, value in file.items() if name not in _OF_FILES}
        body = validated(
            {**times, **told, "path": file.get("path"), kind: details}, shape, where="body"
        )
        return write(user=self.user, use_case=self.use_case, kind=kind, body=body)


def _part(ours: Any, name: str) -> JSON:
    part = ours.get(name) if isinstance(ours, dict) else None
    return part if isinstance(part, dict) else {}
