from django.urls import include, path, register_converter

from config.converters import IdConverter

register_converter(IdConverter, "id")

urlpatterns = [
    path("", include("config.health")),
    path("api/v2/", include("accounts.api_urls")),
    path("api/v2/", include("vectordb.api_urls")),
    path("api/v2/", include("blueprints.api_urls")),
    path("api/v2/", include("playground.api_urls")),
    path("", include("accounts.urls")),
    path("", include("vectordb.urls")),
    path("", include("blueprints.urls")),
    path("", include("tracing.urls")),
    path("", include("playground.urls")),
]
