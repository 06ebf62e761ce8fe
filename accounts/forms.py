from django import forms
from django.contrib.auth.forms import AuthenticationForm

from accounts.models import Role

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
