import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Self

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from config.formats import readable_separator
from vectordb import services
from vectordb.chunking_settings import (
    LARGEST_CHUNK,
    LARGEST_OVERLAP,
    SMALLEST_CHUNK,
    ChunkingSettings,
    settings_of,
)
from vectordb.filetypes import READABLE
from vectordb.models import ChunkingMethod, VectorDatabase

_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True

    def value_from_datadict(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> list[Any]:
        return files.getlist(name)


class ManyFilesField(forms.FileField):
    """Any number of files. What is wrong with each is the service's to say, not the field's."""

    widget = ManyFilesInput(attrs={"multiple": True, "class": "file-in"})

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        files = [file for file in data or [] if isinstance(file, UploadedFile)]
        if not files and self.required:
            raise forms.ValidationError("Choose at least one file.")
        return files


class UploadForm(forms.Form):
    # Hides nothing: a form's declared fields are taken out of its class.
    files = ManyFilesField(  # type: ignore[assignment]
        help_text=f"{READABLE}."
    )


class ReplaceForm(forms.Form):
    file = forms.FileField(
        help_text="One file of those that can be uploaded; no ZIP.", allow_empty_file=True
    )


class DatasetForm(forms.Form):
    name = forms.CharField(max_length=200)


class NewDatasetForm(UploadForm):
    name = forms.CharField(
        max_length=200, required=False, help_text="Left empty, it is named after today."
    )
    field_order = ["name", "files"]


class ChunkForm(forms.Form):
    """Another text for a chunk."""

    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 14}), strip=False)
    seen = forms.CharField(widget=forms.HiddenInput)


class NewChunkForm(forms.Form):
    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 10}), strip=False)
    page = forms.IntegerField(
        required=False, min_value=1, help_text="Of the document, if it belongs to one."
    )


class SeparatorsField(forms.CharField):
    """One separator a line, written as in code: a line break is \\n."""

    widget = forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        lines = (super().to_python(value) or "").splitlines()
        return tuple(_separator(line) for line in lines if line.strip())

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, tuple | list):
            return "\n".join(readable_separator(item) for item in value)
        return value


def _separator(line: str) -> str:
    line = line.strip()
    if len(line) > 1 and line[0] == line[-1] == '"':
        line = line[1:-1]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), line)


class ChunkingForm(forms.Form):
    """How documents become chunks, and these vectors."""

    embedding_model = forms.ChoiceField()
    chunking_method = forms.ChoiceField(
        choices=ChunkingMethod,
        help_text="By headings: no chunk goes over one, in documents that tell theirs; source code "
        "is cut at functions and classes. Only recursive chunks overlap.",
    )
    chunk_size = forms.IntegerField(label="Chunk size, in tokens")
    chunk_overlap_percentage = forms.IntegerField(
        label="Overlap of neighbouring chunks, in percent",
        min_value=0,
        max_value=LARGEST_OVERLAP,
        help_text=f"0 to {LARGEST_OVERLAP}. Some overlap keeps sentences at the seams findable.",
    )
    separators = SeparatorsField(
        help_text="One a line, tried from the top: where a text is cut first. "
        'A line break is \\n, a space " ", between any two characters "".'
    )
    is_separator_regex = forms.BooleanField(
        label="The separators are regular expressions", required=False
    )
    is_custom_chunking = forms.BooleanField(
        label="Do not cut: each document, or row that is one, is a chunk already", required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        initial = _fields_of(ChunkingSettings())
        kwargs["initial"] = initial | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        models = services.supported_embeddings()
        choices = [
            (model.id, f"{model.id} · {model.description} Reads {model.max_tokens:,} tokens.")
            for model in models
        ]
        self.fields["embedding_model"].choices = choices  # type: ignore[attr-defined]
        largest = min(LARGEST_CHUNK, max(model.max_tokens for model in models))
        size = self.fields["chunk_size"]
        size.help_text = f"{SMALLEST_CHUNK} to {largest}: a chunk must fit the model's window."
        size.widget.attrs |= {"min": SMALLEST_CHUNK, "max": largest}

    def chunking(self) -> ChunkingSettings:
        """Raises InvalidInput."""
        data = {name: self.cleaned_data[name] for name in ChunkingForm.base_fields}
        return ChunkingSettings(**data)


class BuildForm(ChunkingForm):
    """How a dataset becomes a vector database."""

    name = forms.CharField(
        max_length=200, required=False, help_text="Left empty, it is named like the dataset."
    )
    field_order = ["name"]

    @classmethod
    def prefilled(cls, query: QueryDict) -> Self:
        """With what an address says of its fields, as `query_of` writes it."""
        return cls(initial={name: query[name] for name in cls.base_fields if name in query})


class VersionForm(BuildForm):
    """How the next version of a vector database is cut and embedded."""

    updates_blueprints = forms.BooleanField(
        required=False,
        label="Have blueprints use it once it is complete",
        help_text="Else they stay with this version until you choose the new one.",
    )

    def __init__(self, *args: Any, parent: VectorDatabase, **kwargs: Any) -> None:
        super().__init__(*args, initial=_fields_of(settings_of(parent)), **kwargs)
        self.fields["name"].help_text = "Left empty, it keeps its name."


def query_of(chunking: ChunkingSettings) -> dict[str, str]:
    """The settings as the form's fields in an address."""
    values = _fields_of(chunking)
    values["separators"] = SeparatorsField().prepare_value(chunking.separators)
    sent = {name: "on" if value is True else value for name, value in values.items()}
    return {name: str(value) for name, value in sent.items() if value is not False}


def _fields_of(chunking: ChunkingSettings) -> dict[str, Any]:
    return {field.name: getattr(chunking, field.name) for field in fields(chunking)}
