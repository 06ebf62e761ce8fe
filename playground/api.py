"""`genai/playgrounds/` and `genai/chats/`: their REST face."""

from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import UseCase, User
from blueprints.models import Blueprint
from config.api.errors import Unprocessable
from config.api.fields import order_by
from config.api.openapi import operation
from config.api.views import Endpoint, find
from playground import services
from playground.models import Chat, Playground, PlaygroundBlueprint
from playground.serializers import (
    ChatPatch,
    ChatQuery,
    ChatRequest,
    ChatSerializer,
    PlaygroundPatch,
    PlaygroundQuery,
    PlaygroundRequest,
    PlaygroundSerializer,
)


def playgrounds_of(user: User) -> QuerySet[Playground]:
    return (
        Playground.objects.visible_to(user)
        .select_related("created_by")
        .annotate(
            llm_blueprints_count=Count("places"),
            saved_llm_blueprints_count=Count("places", filter=Q(places__blueprint__is_saved=True)),
        )
    )


def chats_of(user: User) -> QuerySet[Chat]:
    return Chat.objects.visible_to(user).annotate(prompts_count=Count("prompts"))


class Playgrounds(Endpoint):
    @operation("Your playgrounds", answers=PlaygroundSerializer, many=True, query=PlaygroundQuery)
    def get(self, request: Request) -> Response:
        query = self.query(PlaygroundQuery)
        rows = playgrounds_of(self.user)
        if "use_case_id" in query:
            rows = rows.filter(use_case__in=query["use_case_id"])
        if "search" in query:
            rows = rows.filter(name__icontains=query["search"])
        rows = rows.order_by(*order_by(query.get("sort"), ["-created_at", "-pk"]))
        return self.page(query, rows, PlaygroundSerializer)

    @operation(
        "Make a playground", takes=PlaygroundRequest, answers=PlaygroundSerializer, status=201
    )
    def post(self, request: Request) -> Response:
        given = self.body(PlaygroundRequest)
        playground = services.create_playground(
            user=self.user,
            use_case=find(UseCase.objects.visible_to(self.user), given["use_case_id"], "Use case"),
            name=given["name"],
            description=given.get("description") or "",
            playground_type=given["playground_type"],
        )
        return _playground(self.user, playground.pk, status=201)


class OnePlayground(Endpoint):
    @operation("A playground", answers=PlaygroundSerializer)
    def get(self, request: Request, playground_id: str) -> Response:
        return _playground(self.user, playground_id)

    @operation(
        "Rename or describe a playground", takes=PlaygroundPatch, answers=PlaygroundSerializer
    )
    def patch(self, request: Request, playground_id: str) -> Response:
        playground = self._own(playground_id)
        changes = {name: value or "" for name, value in self.body(PlaygroundPatch).items()}
        services.update_playground(playground, user=self.user, **changes)
        return _playground(self.user, playground_id)

    @operation("Delete a playground and what is in it", status=204)
    def delete(self, request: Request, playground_id: str) -> Response:
        services.delete_playground(self._own(playground_id), user=self.user)
        return Response(status=204)

    def _own(self, playground_id: str) -> Playground:
        rows = Playground.objects.visible_to(self.user).select_related("use_case")
        return find(rows, playground_id, "Playground")


class Chats(Endpoint):
    @operation("Your chats", answers=ChatSerializer, many=True, query=ChatQuery)
    def get(self, request: Request) -> Response:
        query = self.query(ChatQuery)
        rows = chats_of(self.user)
        if "llm_blueprint_id" in query:
            rows = rows.filter(blueprint_id=query["llm_blueprint_id"])
        rows = rows.order_by(*order_by(query.get("sort"), ["-created_at", "-pk"]))
        return self.page(query, rows, ChatSerializer)

    @operation("Begin a chat", takes=ChatRequest, answers=ChatSerializer, status=201)
    def post(self, request: Request) -> Response:
        given = self.body(ChatRequest)
        blueprints = Blueprint.objects.visible_to(self.user)
        blueprint = find(blueprints, given["llm_blueprint_id"], "LLM blueprint")
        chat = services.create_chat(
            user=self.user,
            playground=home_of(blueprint),
            blueprint=blueprint,
            name=given.get("name") or "",
        )
        return _chat(self.user, chat.pk, status=201)


class OneChat(Endpoint):
    @operation("A chat", answers=ChatSerializer)
    def get(self, request: Request, chat_id: str) -> Response:
        return _chat(self.user, chat_id)

    @operation("Rename a chat", takes=ChatPatch, answers=ChatSerializer)
    def patch(self, request: Request, chat_id: str) -> Response:
        chat = self._own(chat_id)
        changes = self.body(ChatPatch)
        if "name" in changes:
            services.rename_chat(chat, user=self.user, name=changes["name"])
        return _chat(self.user, chat_id)

    @operation("Delete a chat and its prompts", status=204)
    def delete(self, request: Request, chat_id: str) -> Response:
        services.delete_chat(self._own(chat_id), user=self.user)
        return Response(status=204)

    def _own(self, chat_id: str) -> Chat:
        rows = Chat.objects.visible_to(self.user).select_related("playground__use_case")
        return find(rows, chat_id, "Chat")


def home_of(blueprint: Blueprint) -> Playground:
    """The playground that the API shows as the blueprint's."""
    place = blueprint.places.filter(is_home=True).select_related("playground__use_case").first()
    if place is None:
        raise Unprocessable.at("body", msg="Put the blueprint into a playground first.")
    return place.playground


def _playground(user: User, playground_id: str, *, status: int = 200) -> Response:
    shown = find(playgrounds_of(user), playground_id, "Playground")
    return Response(PlaygroundSerializer(shown).data, status=status)


def _chat(user: User, chat_id: str, *, status: int = 200) -> Response:
    shown = find(chats_of(user), chat_id, "Chat")
    return Response(ChatSerializer(shown).data, status=status)


def home_id() -> Subquery:
    """For annotating blueprints with the id of their home."""
    homes: QuerySet[Any] = PlaygroundBlueprint.objects.filter(
        blueprint=OuterRef("pk"), is_home=True
    )
    return Subquery(homes.values("playground_id"))
