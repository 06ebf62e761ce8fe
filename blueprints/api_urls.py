from django.urls import path

from blueprints import api

urlpatterns = [path("genai/llms/", api.LLMs.as_view())]
