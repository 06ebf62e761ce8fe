"""`genai/promptTemplates/`: prompt templates with their versions."""

from django.db.models import Count, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from blueprints import prompt_templates
from blueprints.models import PromptTemplate, PromptTemplateVersion
from blueprints.prompt_template_serializers import (
    PromptTemplateQuery,
    PromptTemplateRequest,
    PromptTemplateSerializer,
    PromptTemplateVersionQuery,
    PromptTemplateVersionRequest,
    PromptTemplateVersionSerializer,
)
from config.api.fields import order_by
from config.api.openapi import operation
from config.api.paging import ListQuery
from config.api.views import Endpoint, find


def templates_of(user: User) -> QuerySet[PromptTemplate]:
    return (
        PromptTemplate.objects.visible_to(user)
        .select_related("created_by")
        .annotate(version_count=Count("versions"))
    )


def versions_of(user: User) -> QuerySet[PromptTemplateVersion]:
    visible = PromptTemplate.objects.visible_to(user)
    return PromptTemplateVersion.objects.filter(template__in=visible).select_related("created_by")


class PromptTemplates(Endpoint):
    @operation(
        "Your prompt templates",
        answers=PromptTemplateSerializer,
        many=True,
        query=PromptTemplateQuery,
    )
    def get(self, request: Request) -> Response:
        query = self.query(PromptTemplateQuery)
        rows = templates_of(self.user)
        if "search" in query:
            rows = rows.filter(name__icontains=query["search"])
        rows = rows.order_by(*order_by(query.get("sort"), ["-created_at", "-pk"]))
        return self.page(query, rows, PromptTemplateSerializer)

    @operation(
        "Make a prompt template",
        takes=PromptTemplateRequest,
        answers=PromptTemplateSerializer,
        status=201,
        description="Its text comes with its first version. Nobody else sees it.",
    )
    def post(self, request: Request) -> Response:
        given = self.body(PromptTemplateRequest)
        template = prompt_templates.create_template(
            user=self.user, name=given["name"], description=given.get("description") or ""
        )
        shown = find(templates_of(self.user), template.pk, "Prompt template")
        return Response(PromptTemplateSerializer(shown).data, status=201)


class OnePromptTemplate(Endpoint):
    @operation("A prompt template", answers=PromptTemplateSerializer)
    def get(self, request: Request, template_id: str) -> Response:
        template = find(templates_of(self.user), template_id, "Prompt template")
        return Response(PromptTemplateSerializer(template).data)


class PromptTemplateVersions(Endpoint):
    @operation(
        "The versions of a prompt template, the newest first",
        answers=PromptTemplateVersionSerializer,
        many=True,
        query=ListQuery,
    )
    def get(self, request: Request, template_id: str) -> Response:
        query = self.query(ListQuery)
        template = find(templates_of(self.user), template_id, "Prompt template")
        rows = versions_of(self.user).filter(template=template).order_by("-number")
        return self.page(query, rows, PromptTemplateVersionSerializer)

    @operation(
        "Add a version to a prompt template",
        takes=PromptTemplateVersionRequest,
        answers=PromptTemplateVersionSerializer,
        status=201,
    )
    def post(self, request: Request, template_id: str) -> Response:
        template = find(templates_of(self.user), template_id, "Prompt template")
        given = self.body(PromptTemplateVersionRequest)
        version = prompt_templates.add_version(
            template,
            user=self.user,
            text=given["prompt_text"],
            variables=given.get("variables") or [],
            comment=given.get("commit_comment") or "",
        )
        return Response(PromptTemplateVersionSerializer(version).data, status=201)


class OnePromptTemplateVersion(Endpoint):
    @operation("A version of a prompt template", answers=PromptTemplateVersionSerializer)
    def get(self, request: Request, template_id: str, version_id: str) -> Response:
        rows = versions_of(self.user).filter(template=template_id)
        version = find(rows, version_id, "Prompt template version")
        return Response(PromptTemplateVersionSerializer(version).data)


class AllPromptTemplateVersions(Endpoint):
    @operation(
        "The versions of your prompt templates, the newest first",
        answers=PromptTemplateVersionSerializer,
        many=True,
        query=PromptTemplateVersionQuery,
    )
    def get(self, request: Request) -> Response:
        query = self.query(PromptTemplateVersionQuery)
        rows = versions_of(self.user)
        if "prompt_templates_ids" in query:
            rows = rows.filter(template__in=query["prompt_templates_ids"])
        rows = rows.order_by("-created_at", "-pk")
        return self.page(query, rows, PromptTemplateVersionSerializer)
