from django import forms

from vectordb.forms import UploadForm

QuickStartForm = UploadForm


class NameForm(forms.Form):
    name = forms.CharField(max_length=200)


class PlaygroundForm(NameForm):
    description = forms.CharField(
        required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 3})
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

    text = forms.CharField(strip=False, max_length=200_000)
    passages = forms.IntegerField(min_value=0, max_value=1_000)
