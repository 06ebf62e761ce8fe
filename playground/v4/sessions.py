"""`/v4/sessions`."""

from rest_framework.request import Request
from rest_framework.response import Response

from config.api.fields import Str
from config.errors import NotFound
from playground.v4 import placing
from playground.v4.session_showing import show_sessions
from playground.v5.endpoint import PageQuery, PromptEndpoint, page_of
from tracing import sessions
from tracing.models import Session
from tracing.search import logs_of
from tracing.sessions import PREFIX


class SessionsQuery(PageQuery):
    project_id = Str()


class Sessions(PromptEndpoint):
    def post(self, request: Request) -> Response:
        session = sessions.create_session(self.use_case, user=self.user)
        return Response({"id": f"{PREFIX}{session.pk}"}, status=201)

    def get(self, request: Request) -> Response:
        """Those with a log of the project, the newest first."""
        query = self.asked(SessionsQuery)
        project = placing.project_with(self.user, query["project_id"])
        of_project = logs_of(project).filter(session__isnull=False).order_by()
        rows = Session.objects.filter(pk__in=of_project.values("session"))
        return page_of(query, rows, show_sessions)


class OneSession(PromptEndpoint):
    def get(self, request: Request, session_id: str) -> Response:
        rows = Session.objects.visible_to(self.user)
        session = rows.filter(pk=session_id.removeprefix(PREFIX)).first()
        if session is None:
            raise NotFound("Session not found.")
        return Response(show_sessions([session])[0])
