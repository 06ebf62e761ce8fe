"""`datasets/` and their links to use cases: the REST face of uploaded documents."""

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import FileResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import UseCase, User
from config.api import jobs
from config.api.errors import Unprocessable
from config.api.fields import order_by
from config.api.openapi import operation
from config.api.views import Endpoint, find
from config.status import Status
from vectordb import export, services
from vectordb.dataset_serializers import (
    DatasetLinkSerializer,
    DatasetPatch,
    DatasetQuery,
    DatasetSerializer,
    UploadedSerializer,
    UploadRequest,
    UrlRequest,
)
from vectordb.filetypes import READABLE
from vectordb.models import Dataset


def datasets_of(user: User) -> QuerySet[Dataset]:
    documents = Count("documents")
    return (
        Dataset.objects.visible_to(user)
        .select_related("created_by")
        .annotate(
            documents_count=documents,
            tables_count=Count("documents", filter=Q(documents__columns__isnull=False)),
            # A document that is no CSV file is one row.
            row_count=documents
            - Count("documents__rows_count")
            + Coalesce(Sum("documents__rows_count"), 0),
            dataset_size=Coalesce(Sum("documents__size"), 0),
        )
    )


@jobs.register
def dataset_job(user: User, dataset_id: str) -> jobs.Job | None:
    """An upload ends with its request; what is fetched from elsewhere, with its job."""
    dataset = Dataset.objects.visible_to(user).filter(pk=dataset_id).first()
    if dataset is None:
        return None
    done = dataset.status == Status.COMPLETED
    return jobs.Job(
        id=dataset.pk,
        status=Status(dataset.status),
        created_at=dataset.created_at,
        description="Dataset",
        topic=f"dataset:{dataset.pk}",
        events=frozenset({"dataset"}),
        message=dataset.error_message,
        result_path=reverse("api-dataset", args=[dataset.pk]) if done else None,
    )


class DatasetsFromFile(Endpoint):
    parser_classes = [MultiPartParser]

    @operation(
        "Upload documents",
        takes={"multipart/form-data": UploadRequest},
        answers=UploadedSerializer,
        status=202,
        description=f"{READABLE}. One bad "
        "file does not stop the others. Each row of a CSV file with the columns `document` and "
        "`document_file_path` is a document; up to 50 further columns are metadata for filters.",
    )
    def post(self, request: Request) -> Response:
        files = request.FILES.getlist("file")
        if not files:
            raise Unprocessable.at("body", "file", msg="Field required", type_="missing")
        dataset = services.create_dataset_from_files(user=self.user, files=files)
        return _accepted(self, dataset)


class DatasetsFromUrl(Endpoint):
    @operation(
        "Fetch documents from an address",
        takes=UrlRequest,
        answers=UploadedSerializer,
        status=202,
        description="A file as one could upload it. Addresses in private networks are refused.",
    )
    def post(self, request: Request) -> Response:
        given = self.body(UrlRequest)
        dataset = services.create_dataset_from_url(
            user=self.user,
            url=given["url"],
            categories=given.get("categories") or [],
            sample_rows=(given.get("sample_size") or {}).get("value"),
        )
        return _accepted(self, dataset)


def _accepted(endpoint: Endpoint, dataset: Dataset) -> Response:
    body = {"catalogId": dataset.pk, "catalogVersionId": dataset.pk, "statusId": dataset.pk}
    location = endpoint.absolute(reverse("platform-status", args=[dataset.pk]))
    return Response(body, status=202, headers={"Location": location})


class Datasets(Endpoint):
    @operation("Your datasets", answers=DatasetSerializer, many=True, query=DatasetQuery)
    def get(self, request: Request) -> Response:
        query = self.query(DatasetQuery)
        rows = datasets_of(self.user).order_by(
            *order_by(query.get("order_by"), ["-created_at", "-pk"])
        )
        if "use_case_ids" in query:
            visible = UseCase.objects.visible_to(self.user).filter(pk__in=query["use_case_ids"])
            linked = Dataset.objects.filter(links__use_case__in=visible)
            rows = rows.filter(pk__in=linked.values("pk"))
        if "category" in query:
            rows = rows.filter(categories__contains=[query["category"]])
        if query.get("filter_failed"):
            rows = rows.exclude(status=Status.ERROR)
        return self.page(query, rows, DatasetSerializer)


class OneDataset(Endpoint):
    @operation("A dataset", answers=DatasetSerializer)
    def get(self, request: Request, dataset_id: str) -> Response:
        return Response(DatasetSerializer(find(datasets_of(self.user), dataset_id, "Dataset")).data)

    @operation(
        "Rename a dataset, or say what it is meant for",
        takes=DatasetPatch,
        answers=DatasetSerializer,
    )
    def patch(self, request: Request, dataset_id: str) -> Response:
        dataset = find(Dataset.objects.visible_to(self.user), dataset_id, "Dataset")
        changes = self.body(DatasetPatch)
        if "name" in changes:
            services.rename_dataset(dataset, user=self.user, name=changes["name"])
        if "categories" in changes:
            services.set_categories(dataset, user=self.user, categories=changes["categories"])
        return Response(DatasetSerializer(find(datasets_of(self.user), dataset_id, "Dataset")).data)

    @operation("Delete a dataset", status=204)
    def delete(self, request: Request, dataset_id: str) -> Response:
        dataset = find(Dataset.objects.visible_to(self.user), dataset_id, "Dataset")
        services.delete_dataset(dataset, user=self.user)
        return Response(status=204)


class DatasetFile(Endpoint):
    @extend_schema(
        summary="The data of a dataset as CSV",
        description="A single CSV file as it was uploaded, in UTF-8; else a row for each document, "
        "with its text and its path.",
        operation_id="getDatasetFile",
        responses={(200, "text/csv"): OpenApiTypes.STR, 409: None},
    )
    def get(self, request: Request, dataset_id: str) -> FileResponse:
        dataset = find(Dataset.objects.visible_to(self.user), dataset_id, "Dataset")
        has_left = getattr(request, "has_left", bool)
        data = export.as_csv(dataset, has_left)
        response = FileResponse(data, filename="data.csv", as_attachment=True)
        response.headers["Content-Type"] = "text/csv"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


class UseCaseDataset(Endpoint):
    @operation(
        "Put a dataset into a use case",
        answers=DatasetLinkSerializer,
        status=201,
        description="Once is enough; a second time changes nothing.",
    )
    def post(self, request: Request, use_case_id: str, dataset_id: str) -> Response:
        use_case, dataset = self._both(use_case_id, dataset_id)
        link = services.link_dataset(dataset, use_case=use_case, user=self.user)
        return Response(DatasetLinkSerializer(link).data, status=201)

    @operation("Take a dataset out of a use case", status=204)
    def delete(self, request: Request, use_case_id: str, dataset_id: str) -> Response:
        use_case, dataset = self._both(use_case_id, dataset_id)
        find(Dataset.objects.filter(links__use_case=use_case), dataset.pk, "Dataset")
        services.unlink_dataset(dataset, use_case=use_case, user=self.user)
        return Response(status=204)

    def _both(self, use_case_id: str, dataset_id: str) -> tuple[UseCase, Dataset]:
        use_case = find(UseCase.objects.visible_to(self.user), use_case_id, "Use case")
        return use_case, find(Dataset.objects.visible_to(self.user), dataset_id, "Dataset")
