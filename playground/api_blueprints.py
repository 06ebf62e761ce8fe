"""`genai/llmBlueprints/`: blueprints, each in the playground that is its home."""

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from blueprints.llm_settings import LLMSettings
from blueprints.models import Blueprint
from blueprints.prompt_details import PromptDetails
from blueprints.serializers import (
    BlueprintPatch,
    BlueprintRequest,
    BlueprintSerializer,
    changes_in,
)
from blueprints.settings import UNSET, AnswerSettings, Unset
from config.api.fields import order_by
from config.api.openapi import operation
from config.api.views import Endpoint, find
from playground import services
from playground.api import home_id, home_of
from playground.models import ChatPrompt, Playground, PlaygroundBlueprint
from playground.serializers import (
    BlueprintCopyRequest,
    BlueprintFromPromptRequest,
    BlueprintQuery,
)
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings


def blueprints_of(user: User) -> QuerySet[Blueprint]:
    """Those that stand in a playground, with all that an answer shows."""
    return (
        Blueprint.objects.visible_to(user)
        .with_settings()
        .select_related("created_by", "updated_by")
        .annotate(playground_id=home_id())
        .filter(playground_id__isnull=False)
    )


def require_database(user: User, given: dict[str, Any]) -> None:
    """404 for a vector database that does not exist or may not be seen."""
    database_id = given.get("vector_database_id")
    if database_id is not None:
        find(VectorDatabase.objects.visible_to(user), database_id, "Vector database")


class LLMBlueprints(Endpoint):
    @operation("Your blueprints", answers=BlueprintSerializer, many=True, query=BlueprintQuery)
    def get(self, request: Request) -> Response:
        query = self.query(BlueprintQuery)
        rows = blueprints_of(self.user).filter(_condition(query))
        rows = rows.order_by(*order_by(query.get("sort"), ["-created_at", "-pk"]))
        return self.page(query, rows, BlueprintSerializer)

    @operation("Make a blueprint", takes=BlueprintRequest, answers=BlueprintSerializer, status=201)
    def post(self, request: Request) -> Response:
        given = self.body(BlueprintRequest)
        playgrounds = Playground.objects.visible_to(self.user).select_related("use_case")
        playground = find(playgrounds, given["playground_id"], "Playground")
        require_database(self.user, given)
        blueprint = services.create_blueprint(
            user=self.user,
            playground=playground,
            name=given["name"],
            description=given.get("description") or "",
            settings=changes_in(given, null_clears=False).apply_to(AnswerSettings()),
        )
        return _answer(self.user, blueprint.pk, status=201)


class FromLLMBlueprint(Endpoint):
    @operation(
        "Copy a blueprint", takes=BlueprintCopyRequest, answers=BlueprintSerializer, status=201
    )
    def post(self, request: Request) -> Response:
        given = self.body(BlueprintCopyRequest)
        blueprint = find(blueprints_of(self.user), given["llm_blueprint_id"], "LLM blueprint")
        copy = services.copy_blueprint(
            blueprint,
            user=self.user,
            playground=home_of(blueprint),
            name=given["name"],
            description=given.get("description"),
        )
        return _answer(self.user, copy.pk, status=201)


class FromChatPrompt(Endpoint):
    @operation(
        "Make a blueprint with the settings of a prompt",
        takes=BlueprintFromPromptRequest,
        answers=BlueprintSerializer,
        status=201,
    )
    def post(self, request: Request) -> Response:
        given = self.body(BlueprintFromPromptRequest)
        prompts = ChatPrompt.objects.visible_to(self.user).select_related(
            "chat__playground__use_case"
        )
        prompt = find(prompts, given["chat_prompt_id"], "Chat prompt")
        blueprint = services.create_blueprint(
            user=self.user,
            playground=prompt.chat.playground,
            name=given["name"],
            description=given.get("description") or "",
            settings=_settings_of(prompt),
        )
        return _answer(self.user, blueprint.pk, status=201)


class OneLLMBlueprint(Endpoint):
    @operation("A blueprint", answers=BlueprintSerializer)
    def get(self, request: Request, blueprint_id: str) -> Response:
        return _answer(self.user, blueprint_id)

    @operation(
        "Change a blueprint",
        takes=BlueprintPatch,
        answers=BlueprintSerializer,
        description="What is changed of its settings holds in its chats at once.",
    )
    def patch(self, request: Request, blueprint_id: str) -> Response:
        blueprint = find(blueprints_of(self.user), blueprint_id, "LLM blueprint")
        given = self.body(BlueprintPatch)
        require_database(self.user, given)
        services.update_blueprint(
            blueprint,
            user=self.user,
            changes=changes_in(given, null_clears=True),
            name=given.get("name", UNSET),
            description=_blank(given.get("description", UNSET)),
            is_saved=given.get("is_saved", UNSET),
            is_starred=given.get("is_starred", UNSET),
        )
        return _answer(self.user, blueprint_id)

    @operation("Delete a blueprint and its chats", status=204)
    def delete(self, request: Request, blueprint_id: str) -> Response:
        blueprint = find(blueprints_of(self.user), blueprint_id, "LLM blueprint")
        services.delete_blueprint(blueprint, user=self.user)
        return Response(status=204)


def _blank(text: str | Unset | None) -> str | Unset:
    """A description that was cleared is empty."""
    return "" if text is None else text


def _condition(query: dict[str, Any]) -> Q:
    condition = Q()
    if "playground_id" in query:
        places = PlaygroundBlueprint.objects.filter(playground=query["playground_id"])
        condition &= Q(pk__in=places.values("blueprint"))
    if "llm_ids" in query:
        condition &= Q(version__llm__in=query["llm_ids"])
    databases = query.get("vector_database_ids", []) + query.get("vector_databases", [])
    if databases:
        condition &= Q(version__vector_database__in=databases)
    for name in ("is_saved", "is_starred"):
        if name in query:
            condition &= Q(**{name: query[name]})
    return condition


def _settings_of(prompt: ChatPrompt) -> AnswerSettings:
    return AnswerSettings(
        llm_id=prompt.llm_id,
        llm_settings=LLMSettings.from_json(prompt.llm_settings),
        prompt=PromptDetails.from_json(prompt.prompt_details),
        vector_database_id=prompt.vector_database_id,
        retrieval_settings=RetrievalSettings.from_json(prompt.retrieval_settings or {}),
        prompt_type=prompt.prompt_type,
    )


def _answer(user: User, blueprint_id: str, *, status: int = 200) -> Response:
    shown = find(blueprints_of(user), blueprint_id, "LLM blueprint")
    return Response(BlueprintSerializer(shown).data, status=status)
