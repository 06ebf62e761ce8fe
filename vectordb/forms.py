import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from config.formats import readable_separator
from vectordb import services
from vectordb.chunking_settings import (
    DEFAULT_SEPARATORS,
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


class DatasetForm(forms.Form):
    name = forms.CharField(max_length=200)


class NewDatasetForm(UploadForm):
    name = forms.CharField(
        max_length=200, required=False, help_text="Left empty, it is named after today."
    )
    field_order = ["name", "files"]


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


class BuildForm(forms.Form):
    """How a dataset becomes a vector database."""

    name = forms.CharField(
        max_length=200, required=False, help_text="Left empty, it is named like the dataset."
    )
    embedding_model = forms.ChoiceField()
    chunking_method = forms.ChoiceField(choices=ChunkingMethod)
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        defaults = ChunkingSettings()
        initial = {
            "embedding_model": defaults.embedding_model,
            "chunking_method": defaults.chunking_method,
            "chunk_size": defaults.chunk_size,
            "chunk_overlap_percentage": defaults.chunk_overlap_percentage,
            "separators": DEFAULT_SEPARATORS,
        }
        kwargs["initial"] = initial | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        models = services.supported_embeddings()
        choices = [(model.id, f"{model.id} · {model.description}") for model in models]
        self.fields["embedding_model"].choices = choices  # type: ignore[attr-defined]
        largest = min(LARGEST_CHUNK, max(model.max_tokens for model in models))
        size = self.fields["chunk_size"]
        size.help_text = f"{SMALLEST_CHUNK} to {largest}: a chunk must fit the model's window."
        size.widget.attrs |= {"min": SMALLEST_CHUNK, "max": largest}

    def chunking(self) -> ChunkingSettings:
        """Raises InvalidInput."""
        known = {field.name for field in fields(ChunkingSettings)}
        data = {key: value for key, value in self.cleaned_data.items() if key in known}
        return ChunkingSettings(**data)


class VersionForm(BuildForm):
    """How the next version of a vector database is cut and embedded."""

    updates_blueprints = forms.BooleanField(
        required=False,
        label="Have blueprints use it once it is complete",
        help_text="Else they stay with this version until you choose the new one.",
    )

    def __init__(self, *args: Any, parent: VectorDatabase, **kwargs: Any) -> None:
        super().__init__(*args, initial=_as_built(parent), **kwargs)
        self.fields["name"].help_text = "Left empty, it keeps its name."


def _as_built(database: VectorDatabase) -> dict[str, Any]:
    built = settings_of(database)
    return {field: getattr(built, field) for field in BuildForm.base_fields if field != "name"}
