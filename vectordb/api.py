"""`genai/vectorDatabases/`: the REST face of vector databases."""

from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import UseCase, User, display_name_of
from config.api import jobs
from config.api.fields import order_by
from config.api.openapi import operation
from config.api.views import Endpoint, find
from config.status import Status
from vectordb import services, supported
from vectordb.chunking_settings import ChunkingSettings
from vectordb.models import Dataset, VectorDatabase
from vectordb.serializers import (
    ChunkingsSerializer,
    EmbeddingsQuery,
    EmbeddingsSerializer,
    RetrievalSettingsSerializer,
    VectorDatabasePatch,
    VectorDatabaseQuery,
    VectorDatabaseRequest,
    VectorDatabaseSerializer,
)

# By names of relations: the apps of blueprints and playgrounds are above this one.
_IN_FORCE = Q(blueprint_versions__blueprint__version=F("blueprint_versions__pk"))
_PLAYGROUND = "blueprint_versions__blueprint__places__playground"


def databases_of(user: User) -> QuerySet[VectorDatabase]:
    return (
        VectorDatabase.objects.visible_to(user)
        .select_related("created_by")
        .annotate(playgrounds_count=Count(_PLAYGROUND, filter=_IN_FORCE, distinct=True))
    )


@jobs.register
def vector_database_job(user: User, database_id: str) -> jobs.Job | None:
    database = VectorDatabase.objects.visible_to(user).filter(pk=database_id).first()
    if database is None:
        return None
    done = database.status == Status.COMPLETED
    return jobs.Job(
        id=database.pk,
        status=Status(database.status),
        created_at=database.created_at,
        description="Vector database",
        topic=f"vector_database:{database.pk}",
        events=frozenset({"ingestion"}),
        message=database.error_message,
        result_path=reverse("api-vector-database", args=[database.pk]) if done else None,
    )


class VectorDatabases(Endpoint):
    @operation(
        "Your vector databases",
        answers=VectorDatabaseSerializer,
        many=True,
        query=VectorDatabaseQuery,
    )
    def get(self, request: Request) -> Response:
        query = self.query(VectorDatabaseQuery)
        rows = _filtered(databases_of(self.user), query)
        rows = rows.annotate(creator_name=display_name_of("created_by"))
        rows = rows.order_by(*order_by(query.get("sort"), ["-created_at", "-pk"]))
        return self.page(query, rows, VectorDatabaseSerializer)

    @operation(
        "Build a vector database from a dataset",
        takes=VectorDatabaseRequest,
        answers=VectorDatabaseSerializer,
        status=202,
    )
    def post(self, request: Request) -> Response:
        given = self.body(VectorDatabaseRequest)
        use_case = find(UseCase.objects.visible_to(self.user), given["use_case_id"], "Use case")
        dataset = find(Dataset.objects.visible_to(self.user), given["dataset_id"], "Dataset")
        parent_id = given.get("parent_vector_database_id")
        databases = VectorDatabase.objects.visible_to(self.user).select_related("dataset")
        database = services.create_vector_database(
            user=self.user,
            use_case=use_case,
            dataset=dataset,
            name=given.get("name") or "",
            chunking=(given.get("chunking_parameters") or {}).get("settings"),
            parent=find(databases, parent_id, "Parent vector database") if parent_id else None,
            updates_blueprints=bool(given.get("update_llm_blueprints")),
        )
        response = _answer(self.user, database.pk, status=202)
        response["Location"] = self.absolute(reverse("genai-status", args=[database.pk]))
        return response


class OneVectorDatabase(Endpoint):
    @operation("A vector database", answers=VectorDatabaseSerializer)
    def get(self, request: Request, database_id: str) -> Response:
        return _answer(self.user, database_id)

    @operation(
        "Rename a vector database", takes=VectorDatabasePatch, answers=VectorDatabaseSerializer
    )
    def patch(self, request: Request, database_id: str) -> Response:
        database = self._own(database_id)
        changes = self.body(VectorDatabasePatch)
        if "name" in changes:
            services.rename_vector_database(database, user=self.user, name=changes["name"])
        return _answer(self.user, database_id)

    @operation(
        "Delete a vector database",
        status=204,
        description="Blueprints that use it stay, and say that it is gone.",
    )
    def delete(self, request: Request, database_id: str) -> Response:
        services.delete_vector_database(self._own(database_id), user=self.user)
        return Response(status=204)

    def _own(self, database_id: str) -> VectorDatabase:
        rows = VectorDatabase.objects.visible_to(self.user).select_related("use_case")
        return find(rows, database_id, "Vector database")


class SupportedEmbeddings(Endpoint):
    @operation(
        "The embedding models that can be chosen",
        answers=EmbeddingsSerializer,
        query=EmbeddingsQuery,
    )
    def get(self, request: Request) -> Response:
        self.query(EmbeddingsQuery)
        shown = {
            "embedding_models": services.supported_embeddings(),
            "default_embedding_model": ChunkingSettings().embedding_model,
            "custom_model_embedding_validations": [],
            "openai_embedding_validations": [],
        }
        return Response(EmbeddingsSerializer(shown).data)


class SupportedTextChunkings(Endpoint):
    @operation("How documents can be cut", answers=ChunkingsSerializer)
    def get(self, request: Request) -> Response:
        return Response(ChunkingsSerializer(supported.chunkings()).data)


class SupportedRetrievalSettings(Endpoint):
    @operation("How passages can be looked up", answers=RetrievalSettingsSerializer)
    def get(self, request: Request) -> Response:
        return Response(RetrievalSettingsSerializer(supported.retrieval_settings()).data)


def _answer(user: User, database_id: str, *, status: int = 200) -> Response:
    shown = find(databases_of(user), database_id, "Vector database")
    return Response(VectorDatabaseSerializer(shown).data, status=status)


def _filtered(rows: QuerySet[VectorDatabase], query: dict[str, Any]) -> QuerySet[VectorDatabase]:
    conditions = {
        "use_case_id": lambda ids: Q(use_case__in=ids),
        "family_id": lambda family: Q(family_id=family),
        "search": lambda part: Q(name__icontains=part),
        "parents_only": lambda wanted: Q(parent=None) if wanted else Q(),
        "completed_only": lambda wanted: Q(status=Status.COMPLETED) if wanted else Q(),
        "playground_id": _used_in,
    }
    for name, condition in conditions.items():
        if name in query:
            rows = rows.filter(condition(query[name]))
    return rows


def _used_in(playground_id: str) -> Q:
    used = VectorDatabase.objects.filter(_IN_FORCE, **{_PLAYGROUND: playground_id})
    return Q(pk__in=used.values("pk"))
