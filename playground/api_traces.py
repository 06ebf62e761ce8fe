"""`genai/playgrounds/{id}/trace/`: what was asked in a playground, and its export to a dataset."""

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from blueprints.models import LLM
from config.api import jobs, paging
from config.api.openapi import operation
from config.api.paging import ListQuery
from config.api.views import Endpoint, find
from config.status import Status
from playground import exporting, services, traces
from playground.models import ChatPrompt, Playground, TraceExport
from playground.trace_serializers import (
    TraceExportSerializer,
    TraceMetadataSerializer,
    TraceSerializer,
)


@jobs.register
def trace_export_job(user: User, export_id: str) -> jobs.Job | None:
    """Ends with COMPLETED: clients that know a job by its id follow no redirect."""
    rows = TraceExport.objects.visible_to(user).select_related("dataset")
    export = rows.filter(pk=export_id).first()
    if export is None:
        return None
    return jobs.Job(
        id=export.pk,
        status=Status(export.status),
        created_at=export.created_at,
        description="Export of traces",
        topic=exporting.topic(export.pk),
        events=frozenset({"ended"}),
        message=_message(export),
    )


def _message(export: TraceExport) -> str:
    if export.dataset is not None:
        return f"They are in the dataset “{export.dataset.name}”, {export.dataset.pk}."
    return export.error_message


class _OfPlayground(Endpoint):
    def playground(self, playground_id: str) -> Playground:
        rows = Playground.objects.visible_to(self.user).select_related("use_case")
        return find(rows, playground_id, "Playground")


class Traces(_OfPlayground):
    @operation(
        "What was asked in a playground, the newest first",
        answers=TraceSerializer,
        many=True,
        query=ListQuery,
        description="In chats, in comparisons and by evaluations. chatId and chatName are those "
        "of the comparison chat where one was asked in.",
    )
    def get(self, request: Request, playground_id: str) -> Response:
        query = self.query(ListQuery)
        rows = traces.traces_in(self.playground(playground_id))

        def render(prompts: list[ChatPrompt]) -> object:
            llms = LLM.objects.in_bulk({prompt.llm_id for prompt in prompts})
            return TraceSerializer(prompts, many=True, context={"llms": llms}).data

        return paging.page(request, query, rows, render)


class TraceMetadata(_OfPlayground):
    @operation("Who asked in a playground, and in which chats", answers=TraceMetadataSerializer)
    def get(self, request: Request, playground_id: str) -> Response:
        found = traces.people_and_places(self.playground(playground_id))
        return Response(TraceMetadataSerializer(found).data)


class TraceDatasets(_OfPlayground):
    @operation(
        "Export the traces of a playground to a new dataset",
        answers=TraceExportSerializer,
        status=202,
        description="A CSV with a row for each question. Once the status is COMPLETED, its message "
        "names the dataset.",
    )
    def post(self, request: Request, playground_id: str) -> Response:
        export = services.export_traces(self.playground(playground_id), user=self.user)
        response = Response(TraceExportSerializer(export).data, status=202)
        response["Location"] = self.absolute(reverse("genai-status", args=[export.pk]))
        return response
