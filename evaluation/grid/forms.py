from typing import Any

from django import forms

from accounts.models import UseCase
from evaluation.grid.ordering import ALL, SHOWN, View
from evaluation.grid.showing import Column
from evaluation.models import QuestionSet

_EACH = (("", "Mean of all"),)


class GridForm(forms.Form):
    """The questions of a new grid, by one way of three."""

    lines = forms.CharField(
        required=False,
        label="Questions, one per line",
        widget=forms.Textarea(attrs={"rows": 8, "placeholder": "How long may I wait?"}),
    )
    file = forms.FileField(
        required=False,
        label="Or a CSV file",
        help_text="With a column “question” and, where there is one, “expected_answer”.",
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv", "class": "file-in"}),
    )
    question_set = forms.ModelChoiceField(
        QuestionSet.objects.none(), required=False, empty_label="None", label="Or a question set"
    )
    name = forms.CharField(
        max_length=200, required=False, help_text="Left empty, it is named after its questions."
    )

    def __init__(self, data: Any = None, files: Any = None, *, use_case: UseCase) -> None:
        super().__init__(data, files)
        choice = self.fields["question_set"]
        assert isinstance(choice, forms.ModelChoiceField)  # noqa: S101 - it is the one above
        choice.queryset = use_case.question_sets.all()
        if not choice.queryset.exists():
            del self.fields["question_set"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        ways = sum(bool(cleaned.get(name)) for name in ("lines", "file", "question_set"))
        if ways != 1 and not self.errors:
            what = "Write questions, or choose a file or a question set"
            self.add_error(None, f"{what}: one of them.")
        return cleaned


class ViewForm(forms.Form):
    """Which rows are shown, in which order."""

    show = forms.ChoiceField(choices=SHOWN, required=False)
    sort = forms.ChoiceField(required=False, label="Sort by")
    of = forms.ChoiceField(required=False, label="Of")
    order = forms.ChoiceField(
        choices=[("", "Lowest first"), ("desc", "Highest first")], required=False
    )

    def __init__(self, data: Any, *, sorts: list[str], columns: list[Column]) -> None:
        super().__init__(data, auto_id="view-%s")
        choices: Any = self.fields
        choices["sort"].choices = [("", "Question"), *((name, name.capitalize()) for name in sorts)]
        named = [(column.chat.chat_id, column.name) for column in columns]
        choices["of"].choices = [*_EACH, *named]

    @property
    def view(self) -> View:
        """What is not among the choices, as in an old link, is taken for its default."""
        self.is_valid()
        given = self.cleaned_data
        return View(
            show=given.get("show") or ALL,
            sort=given.get("sort") or "",
            column=given.get("of") or "",
            is_descending=given.get("order") == "desc",
        )
