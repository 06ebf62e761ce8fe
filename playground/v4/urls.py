"""The old version of the prompt API. Paths have no slash at their end."""

from django.urls import path

from config.api.fallback import unknown_route
from playground.v4 import calls, logs, sessions

_WAYS = ("", "-deployed", "-model-config")

urlpatterns = [
    *(
        path(f"{kind}{way}", calls.call_model, {"kind": kind, "way": way})
        for kind in ("chat", "completion")
        for way in _WAYS
    ),
    path("logs", logs.Logs.as_view()),
    path("logs/<str:log_id>", logs.OneLog.as_view()),
    path("sessions", sessions.Sessions.as_view()),
    path("sessions/<str:session_id>", sessions.OneSession.as_view()),
    path("feedback", logs.Feedback.as_view()),
    path("", unknown_route),
    path("<path:rest>", unknown_route),
]
