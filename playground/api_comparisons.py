"""`genai/comparisonChats/` and `genai/comparisonPrompts/`: one question to several blueprints."""

from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from blueprints.models import Blueprint
from config.api import jobs
from config.api.errors import Unprocessable
from config.api.fields import order_by
from config.api.openapi import operation
from config.api.views import Endpoint, find
from config.errors import InvalidInput
from config.status import Status
from playground import comparisons, services
from playground.comparison_serializers import (
    ComparisonChatPatch,
    ComparisonChatQuery,
    ComparisonChatRequest,
    ComparisonChatSerializer,
    ComparisonPromptPatch,
    ComparisonPromptQuery,
    ComparisonPromptRequest,
    ComparisonPromptSerializer,
)
from playground.models import ChatPrompt, ComparisonChat, ComparisonPrompt, Playground

_FEEDBACK = "feedback_result.feedback_metadata.feedback"


def comparison_chats_of(user: User) -> QuerySet[ComparisonChat]:
    return ComparisonChat.objects.visible_to(user).select_related("playground__use_case")


def comparisons_of(user: User) -> QuerySet[ComparisonPrompt]:
    """With all that an answer shows, in a constant number of queries."""
    results = (
        ChatPrompt.objects.select_related("chat", "created_by")
        .prefetch_related("feedback")
        .order_by("created_at", "pk")
    )
    return (
        ComparisonPrompt.objects.visible_to(user)
        .select_related("chat__playground__use_case", "created_by")
        .prefetch_related(Prefetch("results", queryset=results))
    )


@jobs.register
def comparison_job(user: User, comparison_id: str) -> jobs.Job | None:
    """Done when every blueprint's answer is final, whether it is an answer or an error."""
    comparison = ComparisonPrompt.objects.visible_to(user).filter(pk=comparison_id).first()
    if comparison is None:
        return None
    results = list(comparison.results.values_list("status", "chat_id"))
    return jobs.Job(
        id=comparison.pk,
        status=_status([Status(status) for status, _ in results]),
        created_at=comparison.created_at,
        description="Comparison prompt",
        topic="",
        more_topics=tuple(f"chat:{chat_id}" for _, chat_id in results),
        events=frozenset({"finished", "deleted"}),
        result_path=reverse("api-comparison-prompt", args=[comparison.pk]),
    )


def _status(results: list[Status]) -> Status:
    if all(status.is_final for status in results):
        return Status.COMPLETED
    return Status.NEW if set(results) == {Status.NEW} else Status.RUNNING


class ComparisonChats(Endpoint):
    @operation(
        "Your comparison chats",
        answers=ComparisonChatSerializer,
        many=True,
        query=ComparisonChatQuery,
    )
    def get(self, request: Request) -> Response:
        query = self.query(ComparisonChatQuery)
        rows = comparison_chats_of(self.user)
        if "playground_id" in query:
            rows = rows.filter(playground=query["playground_id"])
        rows = rows.order_by(*order_by(query.get("sort"), ["-created_at", "-pk"]))
        return self.page(query, rows, ComparisonChatSerializer)

    @operation(
        "Begin a comparison chat",
        takes=ComparisonChatRequest,
        answers=ComparisonChatSerializer,
        status=201,
        description="In it, each blueprint knows what it was asked there before.",
    )
    def post(self, request: Request) -> Response:
        given = self.body(ComparisonChatRequest)
        playgrounds = Playground.objects.visible_to(self.user).select_related("use_case")
        chat = comparisons.create_comparison_chat(
            user=self.user,
            playground=find(playgrounds, given["playground_id"], "Playground"),
            name=given["name"],
        )
        return Response(ComparisonChatSerializer(chat).data, status=201)


class OneComparisonChat(Endpoint):
    @operation("A comparison chat", answers=ComparisonChatSerializer)
    def get(self, request: Request, chat_id: str) -> Response:
        return Response(ComparisonChatSerializer(self._own(chat_id)).data)

    @operation(
        "Rename a comparison chat", takes=ComparisonChatPatch, answers=ComparisonChatSerializer
    )
    def patch(self, request: Request, chat_id: str) -> Response:
        chat = self._own(chat_id)
        name = self.body(ComparisonChatPatch).get("name", chat.name)
        comparisons.rename_comparison_chat(chat, user=self.user, name=name)
        return Response(ComparisonChatSerializer(chat).data)

    @operation("Delete a comparison chat and its comparisons", status=204)
    def delete(self, request: Request, chat_id: str) -> Response:
        comparisons.delete_comparison_chat(self._own(chat_id), user=self.user)
        return Response(status=204)

    def _own(self, chat_id: str) -> ComparisonChat:
        return find(comparison_chats_of(self.user), chat_id, "Comparison chat")


class ComparisonPrompts(Endpoint):
    @operation(
        "Comparisons, in the order in which they were asked for",
        answers=ComparisonPromptSerializer,
        many=True,
        query=ComparisonPromptQuery,
        description="Exactly one of llmBlueprintIds and comparisonChatId is needed.",
    )
    def get(self, request: Request) -> Response:
        query = self.query(ComparisonPromptQuery)
        rows = _filtered(comparisons_of(self.user), query).order_by("created_at", "pk")
        return self.page(query, rows, ComparisonPromptSerializer)

    @operation(
        "Compare blueprints",
        takes=ComparisonPromptRequest,
        answers=ComparisonPromptSerializer,
        status=202,
        description="The blueprints must be saved and stand in one playground. In a comparison "
        "chat each knows what it was asked there before; without one, nothing.",
    )
    def post(self, request: Request) -> Response:
        given = self.body(ComparisonPromptRequest)
        chat_id = given.get("comparison_chat_id")
        chat = None
        if chat_id is not None:
            chat = find(comparison_chats_of(self.user), chat_id, "Comparison chat")
        comparison = comparisons.compare(
            user=self.user,
            blueprints=_blueprints(self.user, given["llm_blueprint_ids"]),
            text=given["text"],
            chat=chat,
            metadata_filter=given.get("metadata_filter"),
        )
        return _accepted(self, comparison.pk)


class OneComparisonPrompt(Endpoint):
    @operation("A comparison", answers=ComparisonPromptSerializer)
    def get(self, request: Request, prompt_id: str) -> Response:
        return Response(ComparisonPromptSerializer(self._own(prompt_id)).data)

    @operation(
        "Judge an answer, or ask further blueprints",
        takes=ComparisonPromptPatch,
        answers=ComparisonPromptSerializer,
        status=202,
        description="Empty feedback takes yours back.",
    )
    def patch(self, request: Request, prompt_id: str) -> Response:
        comparison = self._own(prompt_id)
        given = self.body(ComparisonPromptPatch)
        # Both or, when one is refused, neither.
        with transaction.atomic():
            self._add(comparison, given.get("additional_llm_blueprint_ids"))
            self._judge(comparison, given.get("feedback_result"))
        return _accepted(self, prompt_id)

    @operation("Delete a comparison and its answers", status=204)
    def delete(self, request: Request, prompt_id: str) -> Response:
        comparisons.delete_comparison(self._own(prompt_id), user=self.user)
        return Response(status=204)

    def _own(self, prompt_id: str) -> ComparisonPrompt:
        return find(comparisons_of(self.user), prompt_id, "Comparison prompt")

    def _add(self, comparison: ComparisonPrompt, blueprint_ids: list[str] | None) -> None:
        if blueprint_ids:
            blueprints = _blueprints(self.user, blueprint_ids)
            comparisons.add_blueprints(comparison, user=self.user, blueprints=blueprints)

    def _judge(self, comparison: ComparisonPrompt, given: dict[str, Any] | None) -> None:
        if given is None:
            return
        results = comparison.results.select_related("chat__playground__use_case")
        result = find(results, given["comparison_prompt_result_id"], "Comparison prompt result")
        feedback = given["feedback_metadata"].get("feedback")
        try:
            services.set_feedback(
                result, user=self.user, is_positive=None if feedback is None else feedback == "1"
            )
        except InvalidInput as error:
            raise InvalidInput(error.message, field=_FEEDBACK) from error


def _blueprints(user: User, ids: list[str]) -> list[Blueprint]:
    """Those with these ids, in this order; 404 when one is missing or not visible."""
    found = {
        blueprint.pk: blueprint
        for blueprint in Blueprint.objects.visible_to(user).filter(pk__in=ids)
    }
    if any(pk not in found for pk in ids):
        raise NotFound("LLM blueprint not found.")
    return [found[pk] for pk in ids]


def _filtered(
    rows: QuerySet[ComparisonPrompt], query: dict[str, Any]
) -> QuerySet[ComparisonPrompt]:
    blueprint_ids, chat_id = query.get("llm_blueprint_ids"), query.get("comparison_chat_id")
    if (blueprint_ids is None) == (chat_id is None):
        raise Unprocessable.at(
            "query", msg="Exactly one of llmBlueprintIds and comparisonChatId is required"
        )
    if chat_id is not None:
        return rows.filter(chat=chat_id, chat__is_hidden=False)
    answered = ChatPrompt.objects.filter(
        comparison_prompt__isnull=False, chat__blueprint__in=blueprint_ids or []
    )
    return rows.filter(pk__in=answered.values("comparison_prompt"))


def _accepted(view: Endpoint, prompt_id: str) -> Response:
    shown = find(comparisons_of(view.user), prompt_id, "Comparison prompt")
    response = Response(ComparisonPromptSerializer(shown).data, status=202)
    response["Location"] = view.absolute(reverse("genai-status", args=[prompt_id]))
    return response
