from django.urls import include, path, register_converter

from config.converters import IdConverter
from playground.events import event_stream

register_converter(IdConverter, "id")

handler400 = "config.pages.bad_request"
handler403 = "config.pages.permission_denied"
handler404 = "config.pages.not_found"
handler500 = "config.pages.server_error"

urlpatterns = [
    path("", include("config.health")),
    path("events/", event_stream, name="events"),
    path("api/v2/", include("accounts.api_urls")),
    path("api/v2/", include("vectordb.api_urls")),
    path("api/v2/", include("blueprints.api_urls")),
    path("api/v2/", include("playground.api_urls")),
    path("api/v2/", include("evaluation.api_urls")),
    path("api/", include("config.api.urls")),
    path("v1/", include("playground.v1.urls")),
    path("v5/", include("playground.v5.urls")),
    path("v4/", include("playground.v4.urls")),
    path("", include("accounts.urls")),
    path("", include("vectordb.urls")),
    path("", include("blueprints.urls")),
    path("", include("tracing.urls")),
    path("", include("playground.urls")),
    path("", include("evaluation.urls")),
]
