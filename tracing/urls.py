from django.urls import URLPattern, URLResolver, path

from tracing import trace_views, views

app_name = "tracing"

urlpatterns: list[URLPattern | URLResolver] = [
    path("use-cases/<id:pk>/traces/", views.log_list, name="log-list"),
    path("traces/<id:pk>/", trace_views.log_detail, name="log-detail"),
    path("sessions/<id:pk>/", trace_views.session_detail, name="session-detail"),
]
