"""`/v1/models`: the blueprints of the token's use case, and the embedding models."""

from typing import Any

from django.http import HttpRequest, JsonResponse

from blueprints.addressing import version_called
from blueprints.models import Blueprint
from config.errors import NotFound
from config.storable import storable
from config.threads import in_thread
from playground.v1.base import caller_of, endpoint
from vectordb.embedding_entries import usable_models

# Whoever looks for LLM servers on this machine knows ours by it.
OWNER = "groundwork"


@endpoint("GET")
async def list_models(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"object": "list", "data": await in_thread(_models, request)})


@endpoint("GET")
async def one_model(request: HttpRequest, name: str) -> JsonResponse:
    return JsonResponse(await in_thread(_model, request, name))


def _models(request: HttpRequest) -> list[dict[str, Any]]:
    _, use_case = caller_of(request)
    blueprints = Blueprint.objects.filter(use_case=use_case).order_by("path")
    shown = [_shown(one.path, int(one.created_at.timestamp())) for one in blueprints]
    return shown + [_shown(model.id) for model in usable_models()]


def _model(request: HttpRequest, name: str) -> dict[str, Any]:
    _, use_case = caller_of(request)
    if any(model.id == name for model in usable_models()):
        return _shown(name)
    try:
        version = version_called(name, use_case)
    except NotFound:
        blueprint = Blueprint.objects.filter(use_case=use_case, path=storable(name)).first()
        if blueprint is None:
            raise
        return _shown(name, int(blueprint.created_at.timestamp()))
    return _shown(name, int(version.created_at.timestamp()))


def _shown(name: str, created: int = 0) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": OWNER}
