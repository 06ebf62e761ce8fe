"""What readers of logs fill in. A filter is in the address of its page, so its fields are short."""

from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.http import urlencode

from accounts.models import UseCase, User
from blueprints.models import Blueprint, BlueprintVersion, File, FileVersion
from config.status import Status
from config.storable import storable
from tracing.list_models import LONGEST_QUERY, LONGEST_VIEW_NAME
from tracing.log_filters import Feedback, Wanted
from tracing.models import LONGEST_NAME, Face, Log

_ANY = [("", "any")]
_STATUSES = (Status.COMPLETED, Status.ERROR, Status.RUNNING, Status.CANCELLED)
_MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]
_MOST_DAYS = 36_500


class _Text(forms.CharField):
    def __init__(self, label: str, *, options: str = "", **attrs: Any) -> None:
        if options:
            attrs["list"] = options
        widget = forms.TextInput(attrs={"autocomplete": "off", **attrs})
        super().__init__(label=label, required=False, max_length=LONGEST_NAME, widget=widget)

    def to_python(self, value: Any) -> str:
        return storable(super().to_python(value) or "")


class _Choice(forms.ChoiceField):
    def __init__(self, label: str, choices: list[tuple[str, str]]) -> None:
        super().__init__(label=label, required=False, choices=_ANY + choices)


# Near the ends of what Python counts, a chart's time would reach beyond them.
_FIRST_YEAR, _LAST_YEAR = 1970, 2200


class _Moment(forms.DateTimeField):
    def __init__(self, label: str) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(label=label, required=False, input_formats=_MOMENTS, widget=widget)

    def clean(self, value: Any) -> Any:
        moment = super().clean(value)
        if moment is not None and not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise forms.ValidationError(f"A year from {_FIRST_YEAR} to {_LAST_YEAR}, please.")
        return moment


class _Amount(forms.FloatField):
    def __init__(self, label: str) -> None:
        widget = forms.NumberInput(attrs={"step": "any", "min": 0})
        super().__init__(label=label, required=False, min_value=0, widget=widget)


class _Dollars(forms.DecimalField):
    def __init__(self, label: str) -> None:
        widget = forms.NumberInput(attrs={"step": "any", "min": 0})
        super().__init__(
            label=label,
            required=False,
            min_value=0,
            max_digits=20,
            decimal_places=12,
            widget=widget,
        )


class LogFilterForm(forms.Form):
    text = forms.CharField(
        label="Words asked or answered",
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    path = _Text("Path", options="paths")
    version = _Text("Version", inputmode="numeric", size=6)
    status = _Choice("Status", [(one.value, str(one.label)) for one in _STATUSES])
    since = _Moment("From")
    until = _Moment("Before")
    environment = _Text("Environment", options="environments")
    face = _Choice("Came by", [(one.value, str(one.label)) for one in Face])
    source = _Text("Source")
    user = _Text("User's email", options="members")
    end_user = _Text("End user")
    feedback = _Choice("Feedback", [(one.value, str(one.label)) for one in Feedback])
    cost_from = _Dollars("Cost from, $")
    cost_to = _Dollars("Cost to, $")
    latency_from = _Amount("Latency from, ms")
    latency_to = _Amount("Latency to, ms")
    levels = forms.ChoiceField(
        label="Levels", required=False, choices=[("", "roots of traces"), ("all", "all levels")]
    )

    # What is always in sight; the rest unfolds.
    SHORT = ("path", "status", "since", "until")

    def __init__(self, data: Any, *, use_case: UseCase) -> None:
        super().__init__(data)
        self._use_case = use_case
        self._file: Blueprint | File | None = None

    @property
    def short(self) -> list[forms.BoundField]:
        return [self[name] for name in self.SHORT]

    @property
    def more(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in (*self.SHORT, "text")]

    @property
    def count_of_more(self) -> int:
        """How many of the fields that unfold say something."""
        return sum(bool(bound.data) for bound in self.more)

    @property
    def query(self) -> str:
        """What was given, as in the address of the page."""
        given = [(name, self.data[name]) for name in self.fields if self.data.get(name)]
        return urlencode(given)

    def clean_text(self) -> str:
        return storable(self.cleaned_data["text"])

    def clean_path(self) -> str:
        path: str = self.cleaned_data["path"].strip("/")
        if path:
            where = Q(use_case=self._use_case, path=path)
            self._file = (
                Blueprint.objects.filter(where).first() or File.objects.filter(where).first()
            )
            if self._file is None:
                raise forms.ValidationError("Nothing here has this path: choose one of the list.")
        return path

    def clean_version(self) -> BlueprintVersion | FileVersion | None:
        number = self.cleaned_data["version"].lower().removeprefix("v")
        if not number:
            return None
        if self._file is None:
            raise forms.ValidationError("Of which path? Give that as well.")
        found = None
        if number.isascii() and number.isdecimal() and len(number) < 10:
            found = self._file.versions.filter(number=int(number)).first()
        if found is None:
            raise forms.ValidationError(f"{self._file.path} has no such version: give its number.")
        return found

    def clean_user(self) -> User | None:
        email = User.objects.normalize_email(self.cleaned_data["user"])
        if not email:
            return None
        user = User.objects.filter(email=email).first()
        # Who is neither a member nor has left a log does not exist for readers of this use case.
        is_known = user is not None and (
            self._use_case.memberships.filter(user=user).exists()
            or Log.objects.filter(use_case=self._use_case, user=user).exists()
        )
        if not is_known:
            raise forms.ValidationError("Nobody with this address has called anything here.")
        return user

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        for low, high, message in (
            ("since", "until", "This is not after the beginning."),
            ("cost_from", "cost_to", "This is less than the lowest cost."),
            ("latency_from", "latency_to", "This is less than the lowest latency."),
        ):
            start, end = values.get(low), values.get(high)
            if start is not None and end is not None and end < start:
                self.add_error(high, message)
        return values

    @property
    def wanted(self) -> Wanted:
        """Of a valid form."""
        values = dict(self.cleaned_data)
        del values["path"]
        return Wanted(file=self._file, is_deep=values.pop("levels") == "all", **values)


def filter_data(asked: QueryDict) -> dict[str, str]:
    """What of an address is about the filter; the last of what is given twice."""
    return {name: str(asked[name]) for name in LogFilterForm.base_fields if asked.get(name)}


class SavedViewForm(forms.Form):
    name = forms.CharField(
        max_length=LONGEST_VIEW_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    # The filter, as the address of the list has it.
    query = forms.CharField(
        required=False, max_length=LONGEST_QUERY, widget=forms.HiddenInput, empty_value=""
    )

    def __init__(self, data: Any = None, *, use_case: UseCase, query: str) -> None:
        super().__init__(data, initial={"query": query})
        self._use_case = use_case

    def clean_name(self) -> str:
        return storable(self.cleaned_data["name"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        wanted = filter_data(QueryDict(values.get("query", "")))
        form = LogFilterForm(wanted, use_case=self._use_case)
        if not form.is_valid():
            raise forms.ValidationError("Some of the filter is wrong: mend it first, then save it.")
        return values | {"query": form.query}


class _Days(forms.IntegerField):
    def __init__(self, label: str, help_text: str) -> None:
        super().__init__(
            label=label, help_text=help_text, required=False, min_value=1, max_value=_MOST_DAYS
        )


class RetentionForm(forms.Form):
    payload_days = _Days(
        "Keep what was sent and came back for … days",
        "Figures stay: time, tokens, cost, errors and feedback. Blank keeps it for ever.",
    )
    log_days = _Days(
        "Keep logs for … days",
        "After that, whole traces are deleted. Blank keeps them for ever.",
    )
