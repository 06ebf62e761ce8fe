from typing import Any

from django import forms

from accounts.models import UseCase
from evaluation.models import QuestionSet


class SetForm(forms.Form):
    name = forms.CharField(max_length=200)


class QuestionForm(forms.Form):
    text = forms.CharField(label="Question", widget=forms.Textarea(attrs={"rows": 3}))
    expected_answer = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What a right answer says. Leave it empty where any good answer will do.",
    )


class KeepForm(QuestionForm):
    """A call as a question of a set, or of a new one."""

    question_set = forms.ModelChoiceField(
        QuestionSet.objects.none(), required=False, empty_label="A new one", label="Question set"
    )
    name = forms.CharField(max_length=200, required=False, label="Name of the new set")

    field_order = ("question_set", "name", "text", "expected_answer")

    def __init__(self, data: Any = None, *, use_case: UseCase, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        sets = use_case.question_sets.all()
        choice = self.fields["question_set"]
        assert isinstance(choice, forms.ModelChoiceField)  # noqa: S101 - it is the one above
        choice.queryset = sets
        choice.initial = sets.order_by("-created_at").first()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("question_set") and not cleaned.get("name"):
            self.add_error("name", "Choose a set above, or name a new one here.")
        return cleaned


class ImportForm(forms.Form):
    lines = forms.CharField(
        required=False,
        label="Questions, one per line",
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    file = forms.FileField(
        required=False,
        label="Or a CSV file",
        help_text="With a column “question” and, where there is one, “expected_answer”.",
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv", "class": "file-in"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if bool(cleaned.get("lines")) == bool(cleaned.get("file")) and not self.errors:
            self.add_error(None, "Write questions or choose a file: one of the two.")
        return cleaned
