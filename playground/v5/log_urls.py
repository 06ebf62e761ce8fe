"""The routes of logs; below kinds of files they come before those of one file."""

from django.urls import path

from playground.v5 import logs, otel

urlpatterns = [
    path("prompts/log", logs.NewLog.as_view(kind="prompt")),
    path("prompts/<str:file_id>/log/<str:log_id>", logs.LogOfFile.as_view(kind="prompt")),
    path("flows/log", logs.NewLog.as_view(kind="flow")),
    path("flows/logs/<str:log_id>", logs.FlowLog.as_view()),
    path("tools/log", logs.NewLog.as_view(kind="tool")),
    path("tools/<str:file_id>/log/<str:log_id>", logs.LogOfFile.as_view(kind="tool")),
    path("evaluators/log", logs.NewJudgment.as_view()),
    path("logs", logs.Logs.as_view()),
    path("logs/<str:log_id>", logs.OneLog.as_view()),
    # The SDK may put a slash at the end of its base address, and then asks for //import.
    path("import/otel/v1/traces", otel.Import.as_view()),
    path("/import/otel/v1/traces", otel.Import.as_view()),
]
