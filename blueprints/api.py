"""`genai/llms/`: the LLMs that can answer. Blueprints are shown by the playground app, because
the API places each in a playground."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import UseCase
from blueprints.llm_definitions import describe_llm
from blueprints.models import LLM, Provider
from blueprints.serializers import LLMQuery, LLMSerializer
from config.api import paging
from config.api.openapi import operation
from config.api.views import Endpoint


class LLMs(Endpoint):
    @operation("The LLMs that can be chosen", answers=LLMSerializer, many=True, query=LLMQuery)
    def get(self, request: Request) -> Response:
        query = self.query(LLMQuery)
        rows = LLM.objects.usable().order_by("label", "id")
        if query.get("moderation_supported_only"):
            # The one that only quotes gives no verdicts.
            rows = rows.exclude(provider=Provider.EXTRACTIVE)
        if "use_case_id" in query:
            visible = UseCase.objects.visible_to(self.user).filter(pk=query["use_case_id"])
            rows = rows if visible.exists() else rows.none()

        def render(llms: list[LLM]) -> object:
            return LLMSerializer([describe_llm(llm) for llm in llms], many=True).data

        return paging.page(request, query, rows, render)
