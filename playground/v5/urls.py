"""The prompt API. Paths have no slash at their end."""

from django.urls import path

from config.api.fallback import unknown_route

urlpatterns = [
    path("", unknown_route),
    path("<path:rest>", unknown_route),
]
