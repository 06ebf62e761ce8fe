"""`datasets/` and their links to use cases: the REST face of uploaded documents."""

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
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
from vectordb import services
from vectordb.models import Dataset
from vectordb.serializers import (
    LONGEST_NAME,
    DatasetLinkSerializer,
    DatasetPatch,
    DatasetQuery,
    DatasetSerializer,
    UploadedSerializer,
    UploadRequest,
)


def datasets_of(user: User) -> QuerySet[Dataset]:
    return (
        Dataset.objects.visible_to(user)
        .select_related("created_by")
        .annotate(
            row_count=Count("documents"),
            dataset_size=Coalesce(Sum("documents__size"), 0),
        )
    )


@jobs.register
def dataset_job(user: User, dataset_id: str) -> jobs.Job | None:
    """An upload is done when it was accepted."""
    dataset = Dataset.objects.visible_to(user).filter(pk=dataset_id).first()
    if dataset is None:
        return None
    return jobs.Job(
        id=dataset.pk,
        status=Status.COMPLETED,
        created_at=dataset.created_at,
        description="Dataset",
        topic="",
        events=frozenset(),
        result_path=reverse("api-dataset", args=[dataset.pk]),
    )


class DatasetsFromFile(Endpoint):
    parser_classes = [MultiPartParser]

    @operation(
        "Upload documents",
        takes={"multipart/form-data": UploadRequest},
        answers=UploadedSerializer,
        status=202,
        description="PDF, DOCX, PPTX, XLSX, HTML, Markdown, TXT, CSV, or a ZIP of them. "
        "One bad file does not stop the others.",
    )
    def post(self, request: Request) -> Response:
        files = request.FILES.getlist("file")
        if not files:
            raise Unprocessable.at("body", "file", msg="Field required", type_="missing")
        dataset = services.create_dataset(user=self.user, name=(files[0].name or "")[:LONGEST_NAME])
        added = services.add_files(dataset, user=self.user, files=files)
        if not any(file.document for file in added):
            services.delete_dataset(dataset, user=self.user)
            why = " ".join(f"{file.name}: {file.error}" for file in added)
            raise Unprocessable.at("body", "file", msg=why or "There is no document in it.")
        body = {"catalogId": dataset.pk, "catalogVersionId": dataset.pk, "statusId": dataset.pk}
        location = self.absolute(reverse("platform-status", args=[dataset.pk]))
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
        if query.get("category"):
            rows = rows.none()
        return self.page(query, rows, DatasetSerializer)


class OneDataset(Endpoint):
    @operation("A dataset", answers=DatasetSerializer)
    def get(self, request: Request, dataset_id: str) -> Response:
        return Response(DatasetSerializer(find(datasets_of(self.user), dataset_id, "Dataset")).data)

    @operation("Rename a dataset", takes=DatasetPatch, answers=DatasetSerializer)
    def patch(self, request: Request, dataset_id: str) -> Response:
        dataset = find(Dataset.objects.visible_to(self.user), dataset_id, "Dataset")
        changes = self.body(DatasetPatch)
        if "name" in changes:
            services.rename_dataset(dataset, user=self.user, name=changes["name"])
        return Response(DatasetSerializer(find(datasets_of(self.user), dataset_id, "Dataset")).data)

    @operation("Delete a dataset", status=204)
    def delete(self, request: Request, dataset_id: str) -> Response:
        dataset = find(Dataset.objects.visible_to(self.user), dataset_id, "Dataset")
        services.delete_dataset(dataset, user=self.user)
        return Response(status=204)


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
