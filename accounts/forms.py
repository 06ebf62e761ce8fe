from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from accounts.models import Role, UseCase, User

ConfirmForm = forms.Form


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": "This email address and password do not fit together.",
        "inactive": "This account was deactivated. Ask an administrator.",
    }

    username = forms.EmailField(
        label="Email",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=100, help_text="What it is for, so that you know which one to revoke."
    )
    use_case = forms.ModelChoiceField(
        UseCase.objects.none(),
        required=False,
        empty_label="Your oldest",
        label="Use case",
        help_text="Where a program finds the prompts that it names by their paths.",
    )

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        choice = self.fields["use_case"]
        assert isinstance(choice, forms.ModelChoiceField)  # noqa: S101 - it is the one above
        choice.queryset = UseCase.objects.visible_to(user).order_by("name", "pk")


class UseCaseForm(forms.Form):
    name = forms.CharField(max_length=200)
    description = forms.CharField(
        required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 3})
    )


class ShareForm(forms.Form):
    email = forms.EmailField(
        label="Email of somebody with an account here",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(choices=Role, initial=Role.EDITOR)
