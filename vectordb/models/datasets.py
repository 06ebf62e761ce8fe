from typing import Self

from django.db import models
from django.db.models import Q

from accounts.models import UseCase, UseCaseQuerySet, User
from config.ids import IdField
from config.status import Status
from vectordb.parsing import document_rows


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def visible_to(self, user: User) -> Self:
        return self._own_or_in(UseCase.objects.visible_to(user), user)

    def editable_by(self, user: User) -> Self:
        return self._own_or_in(UseCase.objects.editable_by(user), user)

    def _own_or_in(self, use_cases: UseCaseQuerySet, user: User) -> Self:
        links = DatasetLink.objects.filter(use_case__in=use_cases)
        return self.filter(Q(created_by=user) | Q(pk__in=links.values("dataset")))


class Dataset(models.Model):
    """Documents that were uploaded together. It can stand in several use cases."""

    id = IdField()
    name = models.CharField(max_length=200)
    use_cases = models.ManyToManyField(UseCase, through="DatasetLink", related_name="datasets")
    # Final but while a job fetches it. ERROR: nothing of what was sent could be taken.
    status = models.CharField(max_length=20, choices=Status, default=Status.COMPLETED)
    # What could not be taken and why; some files may have been taken all the same.
    error_message = models.TextField(blank=True)
    # What its owner means it for, in the words of the GenAI API; they change nothing here.
    categories = models.JSONField(default=list, blank=True)
    # No more rows than this were to be taken of the CSV file; null means all.
    sample_rows = models.PositiveIntegerField(null=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class DatasetLink(models.Model):
    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="dataset_links")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="links")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["use_case", "dataset"], name="dataset_link_unique")
        ]

    def __str__(self) -> str:
        return f"{self.dataset} in {self.use_case}"


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(dataset__in=Dataset.objects.visible_to(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(dataset__in=Dataset.objects.editable_by(user))


class Document(models.Model):
    """One uploaded file. `name` is what its owner called it: a label, never a path."""

    id = IdField()
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="documents")
    name = models.CharField(max_length=500)
    stored_name = models.CharField(max_length=100, unique=True)
    content_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    metadata = models.JSONField(default=dict, blank=True)
    # Of a CSV file: the names in its first line, where that holds names, and how many rows follow.
    columns = models.JSONField(null=True)
    rows_count = models.PositiveIntegerField(null=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["sha256"], name="document_sha256")]

    def __str__(self) -> str:
        return self.name

    @property
    def holds_documents(self) -> bool:
        """Whether each of its rows is a document of its own."""
        return document_rows.is_header(self.columns or [])

    @property
    def metadata_columns(self) -> list[str]:
        own = (document_rows.TEXT_COLUMN, document_rows.PATH_COLUMN, "")
        names = self.columns or [] if self.holds_documents else []
        return [name for name in names if name not in own]
