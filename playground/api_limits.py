"""`genai/userLimits/`: how much a user has used. Groundwork counts and sets no limits."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.case import CamelSerializer
from config.api.openapi import operation
from config.api.views import Endpoint
from tracing.models import Log, LogKind
from vectordb.models import VectorDatabase


class CounterSerializer(CamelSerializer):
    counter = serializers.IntegerField()


class LLMApiCalls(Endpoint):
    @operation("How often LLMs were asked for you", answers=CounterSerializer)
    def get(self, request: Request) -> Response:
        calls = Log.objects.filter(user=self.user, kind__in=[LogKind.REWRITE, LogKind.GENERATE])
        return Response({"counter": calls.count()})


class VectorDatabaseCount(Endpoint):
    @operation("How many vector databases you made", answers=CounterSerializer)
    def get(self, request: Request) -> Response:
        return Response({"counter": VectorDatabase.objects.filter(created_by=self.user).count()})
