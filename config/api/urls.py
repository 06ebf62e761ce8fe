"""What belongs to no app. Included last below /api/, because it ends in "no such route"."""

from django.urls import path

from config.api.docs import openapi_document, openapi_page
from config.api.fallback import unknown_route
from config.api.platform import Version
from config.api.status import job_status

urlpatterns = [
    path("docs/", openapi_page),
    path("v2/openapi.json", openapi_document),
    path("v2/version/", Version.as_view()),
    path("v2/status/<id:job_id>/", job_status, name="platform-status"),
    path("v2/genai/status/<id:job_id>/", job_status, name="genai-status"),
    path("<path:rest>", unknown_route),
]
