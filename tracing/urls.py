from django.urls import URLPattern, URLResolver, path

from tracing import chart_views, list_views, retention_views, trace_views

app_name = "tracing"

urlpatterns: list[URLPattern | URLResolver] = [
    path("use-cases/<id:pk>/traces/", list_views.log_list, name="log-list"),
    path("use-cases/<id:pk>/traces/charts/", chart_views.log_charts, name="log-charts"),
    path("use-cases/<id:pk>/traces/export.csv", list_views.log_export_csv, name="log-export-csv"),
    path(
        "use-cases/<id:pk>/traces/export.jsonl",
        list_views.log_export_jsonl,
        name="log-export-jsonl",
    ),
    path(
        "use-cases/<id:pk>/traces/views/new/",
        list_views.saved_view_create,
        name="saved-view-create",
    ),
    path("log-views/<id:pk>/delete/", list_views.saved_view_delete, name="saved-view-delete"),
    path("traces/<id:pk>/", trace_views.log_detail, name="log-detail"),
    path("sessions/<id:pk>/", trace_views.session_detail, name="session-detail"),
    path("use-cases/<id:pk>/retention/", retention_views.retention_edit, name="use-case-retention"),
]
