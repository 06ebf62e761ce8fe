"""Forms for the models that staff add."""

from typing import Any

from django import forms
from django.conf import settings

from vectordb.embedding_entries import LONGEST_NAME, EmbeddingEntry


class _ModelForm(forms.Form):
    """What every added model has. Prefixes keep their blanks."""

    name = forms.CharField(
        required=False,
        max_length=LONGEST_NAME,
        label="Name here",
        help_text="In lists and in the API, for ever. Left empty, it follows from the model.",
    )
    description = forms.CharField(
        required=False, max_length=200, help_text="One line, shown where a model is chosen."
    )
    is_multilingual = forms.BooleanField(
        required=False,
        label="Made for many languages",
        help_text="Off for English alone: texts in other languages are then found by their words "
        "rather than by the meaning.",
    )
    query_prefix = forms.CharField(
        required=False,
        strip=False,
        max_length=500,
        label="Put before questions",
        help_text='Such as "query: ", with the blank, where the model was made with it.',
    )
    document_prefix = forms.CharField(
        required=False,
        strip=False,
        max_length=500,
        label="Put before passages",
        help_text='Such as "passage: ".',
    )


class LocalEmbeddingForm(_ModelForm):
    source = forms.CharField(
        max_length=500,
        label="Name or folder",
        widget=forms.TextInput(attrs={"placeholder": "intfloat/multilingual-e5-small"}),
    )
    max_tokens = forms.IntegerField(
        required=False,
        min_value=128,
        label="Window, in tokens",
        help_text="Left empty, what the model says.",
    )
    field_order = ["source", "is_multilingual", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].help_text = (
            "As the Hugging Face Hub names it, or a folder below "
            f"{settings.EMBEDDING_MODELS_DIR} on the server. Nothing is downloaded."
        )
        for field in ("query_prefix", "document_prefix"):
            self.fields[field].help_text = "Left empty, the model's own, if it has one."


class _ServerForm(forms.Form):
    base_url = forms.URLField(
        label="Base URL",
        max_length=500,
        assume_scheme="https",
        help_text="Of an OpenAI-compatible API, such as http://127.0.0.1:11434/v1",
    )
    api_key = forms.CharField(
        label="API key",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Stored encrypted and never shown. Leave empty where none is needed.",
    )
    batch_size = forms.IntegerField(
        min_value=1, max_value=2_048, initial=32, label="Texts of one request, at most"
    )


class EndpointEmbeddingForm(_ModelForm, _ServerForm):
    model_name = forms.CharField(max_length=500, label="Model, as the server names it")
    max_tokens = forms.IntegerField(
        min_value=128,
        label="Window, in tokens",
        help_text="How much the model reads at once; texts of that length are tried.",
    )
    dimensions = forms.IntegerField(
        required=False,
        min_value=1,
        label="Shorten vectors to, in dimensions",
        help_text="Left empty, they are as the model makes them.",
    )
    field_order = ["base_url", "api_key", "model_name", "max_tokens", "is_multilingual", "name"]


class EndpointEditForm(_ServerForm):
    description = forms.CharField(required=False, max_length=200)
    field_order = ["description", "base_url", "api_key"]

    def __init__(self, *args: Any, entry: EmbeddingEntry, **kwargs: Any) -> None:
        fields = ("description", "base_url", "batch_size")
        kwargs["initial"] = {field: getattr(entry, field) for field in fields}
        super().__init__(*args, **kwargs)
        if entry.encrypted_key:
            self.fields[
                "api_key"
            ].help_text = (
                "One is stored and never shown. Leave empty to keep it; a new URL needs it again."
            )


class DescriptionForm(forms.Form):
    description = forms.CharField(required=False, max_length=200)
