"""OpenAI's API, as far as its clients need it to chat and to embed. Paths have no slash at their end."""

from django.urls import path

from playground.v1 import completions, embeddings, models
from playground.v1.base import unknown

urlpatterns = [
    path("chat/completions", completions.chat_completions, name="v1-chat-completions"),
    path("embeddings", embeddings.create_embeddings, name="v1-embeddings"),
    path("models", models.list_models, name="v1-models"),
    path("models/<path:name>", models.one_model, name="v1-model"),
    path("", unknown),
    path("<path:rest>", unknown),
]
