"""`genai/chatPrompts/`: questions and answers."""

from collections import defaultdict
from functools import cache
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User, display_name_of
from blueprints.models import Blueprint
from blueprints.serializers import changes_in
from config.api import jobs, paging
from config.api.case import shared
from config.api.errors import Unprocessable
from config.api.openapi import operation
from config.api.views import Endpoint, find
from config.compiled import Compiled, among, given
from config.status import Status
from playground import services
from playground.api_blueprints import require_database
from playground.models import Chat, ChatPrompt, Feedback
from playground.serializers import (
    ChatPromptPatch,
    ChatPromptQuery,
    ChatPromptRequest,
    ChatPromptSerializer,
)

_FILTERS = ("playground_id", "chat_id", "llm_blueprint_id")


def prompts_of(user: User) -> QuerySet[ChatPrompt]:
    return (
        ChatPrompt.objects.visible_to(user)
        .select_related("chat__playground__use_case", "created_by")
        .prefetch_related("feedback")
    )


@cache
def _prompts(filters: frozenset[str]) -> Compiled[ChatPrompt]:
    """Of `user`, and of what each of these filters names."""
    return Compiled(
        lambda: _filtered(
            ChatPrompt.objects.visible_to(given("user")), {name: given(name) for name in filters}
        ).order_by("created_at", "pk")
    )


# Each column of a hundred rows costs time; a test counts the queries, should one be shown after all.
_NOT_SHOWN = (
    "asked_text",
    "attempt",
    "blueprint_version",
    "comparison_prompt",
    "finish_reason",
    "finished_at",
    "first_token_ms",
    "log",
    "prompt_type",
    "retrieval_ms",
    "stop_requested",
    "tokens_estimated",
)
_LISTED = Compiled(
    lambda: (
        ChatPrompt.objects.annotate(
            # In place of what the model would look up for each.
            blueprint_id=F("chat__blueprint_id"),  # type: ignore[no-redef]
            asker_name=display_name_of("created_by"),
        )
        .defer(*_NOT_SHOWN)
        .filter(pk__in=among("ids"))
        .order_by("created_at", "pk")
    )
)
_MARKS = Compiled(lambda: Feedback.objects.filter(prompt__in=among("ids")))


def _shown(ids: list[str]) -> list[dict[str, Any]]:
    marks = defaultdict(list)
    for mark in _MARKS.all(ids=ids):
        marks[mark.prompt_id].append(mark)
    prompts = _LISTED.all(ids=ids)
    for prompt in prompts:
        prompt.marks = marks[prompt.pk]
    show = shared(ChatPromptSerializer).to_representation
    return [show(prompt) for prompt in prompts]


@jobs.register
def chat_prompt_job(user: User, prompt_id: str) -> jobs.Job | None:
    """A failed answer is a finished prompt: the job as such has a result."""
    prompt = ChatPrompt.objects.visible_to(user).filter(pk=prompt_id).first()
    if prompt is None:
        return None
    return jobs.Job(
        id=prompt.pk,
        status=Status(prompt.status),
        created_at=prompt.created_at,
        description="Chat prompt",
        topic=f"chat:{prompt.chat_id}",
        events=frozenset({"finished", "deleted"}),
        result_path=reverse("api-chat-prompt", args=[prompt.pk]),
    )


class ChatPrompts(Endpoint):
    @operation(
        "Prompts and answers, in the order in which they were asked",
        answers=ChatPromptSerializer,
        many=True,
        query=ChatPromptQuery,
    )
    def get(self, request: Request) -> Response:
        query = self.query(ChatPromptQuery)
        filters = {name: query[name] for name in _FILTERS if name in query}
        rows = _prompts(frozenset(filters))
        return paging.page_of(request, query, rows, _shown, user=self.user.pk, **filters)

    @operation(
        "Ask",
        takes=ChatPromptRequest,
        answers=ChatPromptSerializer,
        status=202,
        description="At least one of chatId and llmBlueprintId is needed. With a blueprint alone, "
        "its oldest chat is asked; one is made when there is none.",
    )
    def post(self, request: Request) -> Response:
        given = self.body(ChatPromptRequest)
        blueprint = self._blueprint(given)
        require_database(self.user, given)
        prompt = services.ask(
            user=self.user,
            text=given["text"],
            chat=given.get("chat_id"),
            blueprint=blueprint,
            changes=changes_in(given, null_clears=False),
            metadata_filter=given.get("metadata_filter"),
        )
        response = Response(shared(ChatPromptSerializer).to_representation(prompt), status=202)
        response["Location"] = self.absolute(reverse("genai-status", args=[prompt.pk]))
        return response

    def _blueprint(self, given: dict[str, Any]) -> Blueprint | None:
        chat_id, blueprint_id = given.get("chat_id"), given.get("llm_blueprint_id")
        if chat_id is None and blueprint_id is None:
            raise Unprocessable.at("body", msg="Either chatId or llmBlueprintId is required")
        if blueprint_id is None:
            return None
        return find(Blueprint.objects.visible_to(self.user), blueprint_id, "LLM blueprint")


class OneChatPrompt(Endpoint):
    @operation("A prompt and its answer", answers=ChatPromptSerializer)
    def get(self, request: Request, prompt_id: str) -> Response:
        return _answer(self.user, prompt_id)

    @operation(
        "Judge an answer",
        takes=ChatPromptPatch,
        answers=ChatPromptSerializer,
        description="Empty feedback takes yours back. Metrics that were measured elsewhere are added "
        "to the answer's; every member may judge, but only editors may add metrics.",
    )
    def patch(self, request: Request, prompt_id: str) -> Response:
        prompt = find(prompts_of(self.user), prompt_id, "Chat prompt")
        given = self.body(ChatPromptPatch)
        with transaction.atomic():
            if given.get("custom_metrics"):
                services.add_metrics(prompt, user=self.user, metrics=given["custom_metrics"])
            if "feedback_metadata" in given:
                feedback = (given["feedback_metadata"] or {}).get("feedback")
                is_positive = None if feedback is None else feedback == "1"
                services.set_feedback(prompt, user=self.user, is_positive=is_positive)
        return _answer(self.user, prompt_id)

    @operation("Delete a prompt and its answer", status=204)
    def delete(self, request: Request, prompt_id: str) -> Response:
        prompt = find(prompts_of(self.user), prompt_id, "Chat prompt")
        services.delete_prompt(prompt, user=self.user)
        return Response(status=204)


def _filtered(rows: QuerySet[ChatPrompt], query: dict[str, Any]) -> QuerySet[ChatPrompt]:
    if "playground_id" in query:
        rows = rows.filter(chat__playground=query["playground_id"])
    if "chat_id" in query:
        rows = rows.filter(chat=query["chat_id"])
    if "llm_blueprint_id" in query:
        chats = Chat.objects.conversations().filter(
            blueprint=query["llm_blueprint_id"], is_frozen=False
        )
        rows = rows.filter(chat__in=chats.order_by("created_at", "pk").values("pk")[:1])
    return rows


def _answer(user: User, prompt_id: str) -> Response:
    shown = find(prompts_of(user), prompt_id, "Chat prompt")
    return Response(shared(ChatPromptSerializer).to_representation(shown))
