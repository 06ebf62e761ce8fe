from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from playground.chat.filters import Comparison, values_of
from vectordb.forms import UploadForm
from vectordb.metadata_values import Field

QuickStartForm = UploadForm


class NameForm(forms.Form):
    name = forms.CharField(max_length=200)


class PlaygroundForm(NameForm):
    description = forms.CharField(
        required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 3})
    )


class PlaygroundSettingsForm(PlaygroundForm):
    suggests_questions = forms.BooleanField(
        required=False,
        label="Suggest follow-up questions",
        help_text="After each answer in a chat, its LLM is asked once more for up to three. The built-in "
        "LLM suggests none.",
    )


class AskForm(forms.Form):
    text = forms.CharField(
        strip=False,
        error_messages={"required": "Write a question first."},
        widget=forms.Textarea,
    )


class EditForm(AskForm):
    text = forms.CharField(
        label="Question",
        strip=False,
        error_messages={"required": "Write a question first."},
        widget=forms.Textarea(attrs={"rows": 5}),
    )


def question_text(form: AskForm) -> str:
    # Browsers send line breaks of text areas as CR LF.
    text: str = form.cleaned_data["text"]
    return text.replace("\r\n", "\n")


class GrowingForm(forms.Form):
    """A piece of an answer that is being written, and how many passages it was given to cite."""

    text = forms.CharField(strip=False, max_length=50_000)
    passages = forms.IntegerField(min_value=0, max_value=1_000)


class FilterForm(forms.Form):
    """One condition on a field that the passages have."""

    name = forms.ChoiceField(
        label="Field",
        widget=forms.Select(
            attrs={
                "hx-get": "",
                "hx-trigger": "change",
                "hx-target": "#filter-values",
                "hx-swap": "innerHTML",
            }
        ),
    )
    comparison = forms.ChoiceField(label="Comparison", choices=Comparison)
    value = forms.CharField(
        max_length=500,
        widget=forms.TextInput(attrs={"list": "filter-values", "autocomplete": "off"}),
    )
    blueprint = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        fields: Sequence[Field],
        url: str,
        blueprint_id: str = "",
    ) -> None:
        """`url` tells the values of the field that is chosen."""
        super().__init__(data, initial={"blueprint": blueprint_id})
        self._known = fields
        name: Any = self.fields["name"]
        name.choices = [(field.name, field.name) for field in fields]
        name.widget.attrs["hx-get"] = url

    @property
    def has_fields(self) -> bool:
        return bool(self._known)

    def chosen_values(self) -> list[str]:
        """Those of the field that is chosen, else of the first."""
        first = self._known[0].name if self._known else ""
        return values_of(self.data.get("name", first), self._known)

    def condition(self) -> dict[str, str]:
        """What `filters.add_condition` takes."""
        given = self.cleaned_data
        return {
            "name": given["name"],
            "comparison": given["comparison"],
            "text": given["value"],
        }
