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
