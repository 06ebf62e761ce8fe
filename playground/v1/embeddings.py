"""`/v1/embeddings`: the vectors that the vector databases are made of."""

import base64
from typing import Any

from django.http import HttpRequest, JsonResponse
from rest_framework import serializers

from accounts.services import require_editor
from config.api.fields import Choice, Int, Str
from config.errors import InvalidInput
from config.threads import in_thread
from playground.v1.base import caller_of, endpoint
from playground.v5.reading import read_body
from vectordb.embedding import embed_texts
from vectordb.embedding_models import EmbeddingModel, get_model
from vectordb.tokens import count_tokens

_MOST_TEXTS = 2_048
_MOST_CHARACTERS = 1_000_000


class EmbeddingsRequest(serializers.Serializer[Any]):
    model = Str()
    input = serializers.JSONField()
    encoding_format = Choice(["float", "base64"], default="float")
    dimensions = Int(required=False, min_value=1)


@endpoint("POST")
async def create_embeddings(request: HttpRequest) -> JsonResponse:
    given, model, texts = await in_thread(_asked, request)
    vectors = await embed_texts(model.id, texts)
    tokens = await in_thread(lambda: sum(count_tokens(text, model.id) for text in texts))
    is_packed = given["encoding_format"] == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode()
            if is_packed
            else vector.tolist(),
        }
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return JsonResponse({"object": "list", "data": data, "model": model.id, "usage": usage})


def _asked(request: HttpRequest) -> tuple[dict[str, Any], EmbeddingModel, list[str]]:
    user, use_case = caller_of(request)
    # Some models are on servers that are paid for.
    require_editor(use_case, user)
    given = read_body(request.body, EmbeddingsRequest)
    model = get_model(given["model"])
    if given.get("dimensions", model.dimensions) != model.dimensions:
        raise InvalidInput(
            f"The vectors of {model.id} have {model.dimensions} dimensions: leave this out.",
            field="dimensions",
        )
    texts = [given["input"]] if isinstance(given["input"], str) else given["input"]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InvalidInput(
            "Send a text, or a list of texts; tokens of other models mean nothing here.",
            field="input",
        )
    if not 0 < len(texts) <= _MOST_TEXTS or sum(map(len, texts)) > _MOST_CHARACTERS:
        raise InvalidInput(
            f"Send 1 to {_MOST_TEXTS:,} texts of together at most {_MOST_CHARACTERS:,} characters.",
            field="input",
        )
    return given, model, texts
