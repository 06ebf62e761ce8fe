"""Logs: what programs record themselves, and what is recorded of them."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from blueprints.kinds import AnyFile, Kind
from blueprints.prompt_details import JSON
from config.errors import NotFound
from playground.v5 import ids, log_shapes, selecting
from playground.v5.endpoint import PromptEndpoint, page_of
from playground.v5.log_showing import show_log, show_logs
from playground.v5.log_writing import change, visible_log, visible_logs, write, write_judgment
from playground.v5.reading import Shape
from playground.v5.shapes import VersionQuery
from tracing import deleting
from tracing.models import Log, LogKind
from tracing.search import LogFilter, logs_of
from tracing.surroundings import complete

_NEW: dict[Kind, type[Shape]] = {
    "prompt": log_shapes.NewPromptLog,
    "flow": log_shapes.NewFlowLog,
    "tool": log_shapes.NewToolLog,
}
_PATCHES: dict[Kind, type[Shape]] = {
    "prompt": log_shapes.PromptLogPatch,
    "tool": log_shapes.ToolLogPatch,
}


class NewLog(PromptEndpoint):
    kind: Kind = "prompt"

    def post(self, request: Request) -> Response:
        body, query = self.sent(_NEW[self.kind]), self.asked(VersionQuery)
        log = write(user=self.user, use_case=self.use_case, kind=self.kind, body=body, query=query)
        return Response(_created(log, self.kind))


class NewJudgment(PromptEndpoint):
    def post(self, request: Request) -> Response:
        body, query = self.sent(log_shapes.NewEvaluatorLog), self.asked(VersionQuery)
        log = write_judgment(user=self.user, use_case=self.use_case, body=body, query=query)
        return Response(_created(log, "evaluator") | {"parent_id": body["parent_id"]})


class LogOfFile(PromptEndpoint):
    """A log below the file that it is of."""

    kind: Kind = "prompt"

    def patch(self, request: Request, file_id: str, log_id: str) -> Response:
        file = selecting.file_with(self.user, self.kind, file_id)
        body = self.sent(_PATCHES[self.kind], keep_null=True)
        rows = Log.objects.of_programs().filter(use_case=file.use_case_id)
        log = rows.filter(**_of(file, self.kind)).select_related("use_case").named(log_id)
        if log is None:
            raise NotFound("Log not found.")
        return _shown(change(log, user=self.user, body=body))


class FlowLog(PromptEndpoint):
    def patch(self, request: Request, log_id: str) -> Response:
        body = self.sent(log_shapes.FlowLogPatch, keep_null=True)
        log = visible_log(self.user, self.use_case, log_id, kind=LogKind.FLOW)
        return _shown(change(log, user=self.user, body=body))


class Logs(PromptEndpoint):
    def get(self, request: Request) -> Response:
        query = self.asked(log_shapes.LogsQuery)
        rows = complete(self._rows(query))
        return page_of(
            query,
            rows,
            lambda logs: show_logs(
                logs,
                with_children=logs if query["include_trace_children"] else [],
                with_judged=query["include_parent"],
            ),
        )

    def delete(self, request: Request) -> Response:
        wanted = self.asked(log_shapes.LogIdsQuery)["id"]
        deleting.delete(visible_logs(self.user, self.use_case, wanted), user=self.user)
        return Response(status=204)

    def _rows(self, query: JSON) -> Any:
        kind = ids.kind_of(query["file_id"])
        if kind is None:
            raise NotFound("File not found.")
        file = selecting.file_with(self.user, kind, query["file_id"])
        version = None
        if query.get("version_id") is not None:
            version = selecting.version_in(file, kind, {"version_id": query["version_id"]})
        return logs_of(
            file,
            LogFilter(
                version=version,
                ids=query.get("id", ()),
                text=query["search"],
                metadata=query["metadata_search"],
                start=query.get("start_date"),
                end=query.get("end_date"),
                in_trace=query.get("in_trace_filter", ()),
                sample=query.get("sample"),
            ),
        )


class OneLog(PromptEndpoint):
    def get(self, request: Request, log_id: str) -> Response:
        return _shown(visible_log(self.user, self.use_case, log_id))


def _created(log: Log, kind: Kind) -> JSON:
    version_pk = log.blueprint_version_id or log.file_version_id
    made: JSON = {
        "id": log.public_id,
        f"{kind}_id": ids.file_id(kind, log.blueprint_id or log.file_id or ""),
        "version_id": ids.version_id(kind, version_pk or ""),
    }
    if kind == "flow":
        return made | {"log_status": log.log_status}
    return made | {"session_id": f"sesh_{log.session_id}" if log.session_id else None}


def _shown(log: Log) -> Response:
    [whole] = complete(Log.objects.filter(pk=log.pk))
    shown = show_log(whole)
    if shown is None:
        raise NotFound("Log not found: what it is of was deleted.")
    return Response(shown)


def _of(file: AnyFile, kind: Kind) -> JSON:
    return {"blueprint" if kind == "prompt" else "file": file}
