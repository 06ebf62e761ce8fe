"""What is asked in dialogs: names, and what goes where."""

from collections.abc import Mapping
from typing import Any

from django import forms

from accounts.models import UseCase
from blueprints.models import BlueprintVersion
from playground.models import Playground


class VersionForm(forms.Form):
    """A version's name and note."""

    name = forms.CharField(required=False, max_length=200, label="Name of the version")
    description = forms.CharField(
        required=False,
        max_length=10_000,
        label="Note",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class EnvironmentForm(forms.Form):
    name = forms.CharField(max_length=100)


class _VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, version: Any) -> str:
        return f"v{version.number} {version.name}".strip()


class _PlaceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Environments, with what they have now."""

    numbers: Mapping[str, int] = {}

    def label_from_instance(self, environment: Any) -> str:
        number = self.numbers.get(environment.pk)
        now = "nothing now" if number is None else f"v{number} now"
        also = ", also for programs that name none" if environment.is_default else ""
        return f"{environment} ({now}{also})"


class DeployForm(forms.Form):
    """Which version an environment is to have. `numbers` are those of what stands there now."""

    version = _VersionField(queryset=None, empty_label="Choose one")
    environment = _PlaceField(queryset=None, empty_label="Choose one")

    def __init__(
        self,
        *args: Any,
        versions: Any,
        environments: Any,
        numbers: Mapping[str, int],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["environment"].numbers = numbers  # type: ignore[attr-defined]
        self.fields["version"].queryset = versions  # type: ignore[attr-defined]
        self.fields["environment"].queryset = environments  # type: ignore[attr-defined]

    def hide(self) -> None:
        """Both were chosen already."""
        for field in self.fields.values():
            field.widget = forms.HiddenInput()


class RollBackForm(forms.Form):
    """What its user was told would be deployed."""

    to = forms.CharField(widget=forms.HiddenInput, max_length=24)


class OpenForm(forms.Form):
    """Which playground a version is put into, and as what."""

    playground: Any = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="A new one", label="Playground"
    )
    name = forms.CharField(required=False, max_length=200, label="Name of the new playground")
    is_copy = forms.TypedChoiceField(
        label="As",
        coerce=lambda value: value == "copy",
        choices=[],
        widget=forms.RadioSelect,
        required=False,
    )

    def __init__(
        self, *args: Any, version: BlueprintVersion, use_case: UseCase, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        playgrounds = Playground.objects.filter(use_case=use_case)
        self.fields["playground"].queryset = playgrounds  # type: ignore[attr-defined]
        blueprint = version.blueprint
        if blueprint.version_id == version.pk:
            del self.fields["is_copy"]
            return
        choices = [("copy", f"a blueprint of its own, “{blueprint.name} v{version.number}”")]
        if not blueprint.is_fixed:
            itself = f"{blueprint.name} itself: all its chats use v{version.number} from now on"
            choices.append(("itself", itself))
        self.fields["is_copy"].choices = choices  # type: ignore[attr-defined]
        self.fields["is_copy"].initial = "copy"

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and data["playground"] is None and not data["name"].strip():
            self.add_error("name", "A new playground needs a name.")
        return data
