"""`/v4/logs` and `/v4/feedback`: the same logs as version 5's."""

from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from blueprints.kinds import file_of
from blueprints.prompt_details import JSON
from playground.v4 import feedback, placing, shapes
from playground.v4.reading import read_one_or_more
from playground.v4.showing import show_old_logs
from playground.v5 import ids
from playground.v5.endpoint import MAX_SIZE, PromptEndpoint
from playground.v5.log_shapes import LogIdsQuery
from playground.v5.log_writing import change, fields_of, visible_log, visible_logs
from tracing import deleting, logs
from tracing.logs import Place
from tracing.models import Face, Log
from tracing.search import LogFilter, logs_of
from tracing.sessions import PREFIX
from tracing.surroundings import complete


class Logs(PromptEndpoint):
    def post(self, request: Request) -> Response:
        """One log, or a list of them; all or none."""
        items, is_list = read_one_or_more(request.body, shapes.LogRequest)
        with transaction.atomic():
            # Parents are those that were there before.
            placed = [(one, *self._place(one)) for one in items]
            made = [self._create(*one) for one in placed]
        return Response(made if is_list else made[0])

    def _place(self, given: JSON) -> tuple[Any, Place]:
        version = placing.version_for(self.user, self.use_case, given)
        use_case = file_of(version).use_case
        return version, placing.place_for(use_case, user=self.user, given=given)

    def _create(self, given: JSON, version: Any, place: Place) -> JSON:
        log = logs.create(
            user=self.user,
            version=version,
            face=Face.SESSIONS,
            fields=fields_of(given),
            place=place,
            save=given["save"],
        )
        for one in given.get("feedback", ()):
            feedback.give(log, user=self.user, use_case=file_of(version).use_case, feedback=one)
        return {
            "id": log.public_id,
            "project_id": project_id_of(log),
            "session_id": f"{PREFIX}{log.session_id}" if log.session_id else None,
        }

    def patch(self, request: Request) -> Response:
        """The log that its caller gave this reference."""
        reference_id = self.asked(shapes.ReferenceQuery)["reference_id"]
        body = self.sent(shapes.Outcome, keep_null=True)
        log = logs.log_referred_to(self.use_case, reference_id)
        return shown(change(log, user=self.user, body=body))

    def get(self, request: Request) -> Response:
        query = self.asked(shapes.LogsQuery)
        wanted = LogFilter(
            text=query["search"],
            metadata=query["metadata_search"],
            start=query.get("start_date"),
            end=query.get("end_date"),
        )
        rows = logs_of(placing.project_with(self.user, query["project_id"]), wanted)
        page, size = query["page"], min(query["size"], MAX_SIZE)
        some = list(complete(rows)[page * size : (page + 1) * size])
        return Response(
            {"records": show_old_logs(some), "page": page, "size": size, "total": rows.count()}
        )

    def delete(self, request: Request) -> Response:
        wanted = self.asked(LogIdsQuery)["id"]
        deleting.delete(visible_logs(self.user, self.use_case, wanted), user=self.user)
        return Response(status=204)


class OneLog(PromptEndpoint):
    def get(self, request: Request, log_id: str) -> Response:
        return shown(visible_log(self.user, self.use_case, log_id))

    def patch(self, request: Request, log_id: str) -> Response:
        body = self.sent(shapes.Outcome, keep_null=True)
        log = visible_log(self.user, self.use_case, log_id)
        return shown(change(log, user=self.user, body=body))


class Feedback(PromptEndpoint):
    def post(self, request: Request) -> Response:
        """One word about a log, or a list of them; all or none."""
        items, is_list = read_one_or_more(request.body, shapes.Feedback)
        with transaction.atomic():
            made = [self._give(one) for one in items]
        return Response(made if is_list else made[0])

    def _give(self, given: JSON) -> JSON:
        log = visible_log(self.user, self.use_case, given["data_id"])
        judgment = feedback.give(log, user=self.user, use_case=log.use_case, feedback=given)
        return feedback.shown(judgment, kind=given["type"], data_id=log.public_id)


def shown(log: Log) -> Response:
    rows = show_old_logs(list(complete(Log.objects.filter(pk=log.pk))))
    return Response(rows[0])


def project_id_of(log: Log) -> str:
    if log.blueprint_id:
        return ids.file_id("prompt", log.blueprint_id)
    return ids.file_id(log.file.kind, log.file.pk) if log.file else ""  # type: ignore[arg-type]
