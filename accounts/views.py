from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services
from accounts.forms import ConfirmForm, ShareForm, TokenForm, UseCaseForm
from accounts.models import ApiToken, Role, SignInLink, UseCase, User, digest
from accounts.pages import PageRequest, within
from config.pages import error_response, errors_on, form_response

_FORM = require_http_methods(["GET", "HEAD", "POST"])


class SignIn(LoginView):
    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        """Where `?next=` leads, unless that is here again."""
        url: str = super().get_redirect_url()
        return "" if url.startswith(self.request.path) else url


@login_not_required
@never_cache
@_FORM
def link_sign_in(request: PageRequest, secret: str) -> HttpResponse:
    """Looking at the link does not use it up: programs that preview links look too."""
    link = (
        SignInLink.objects.filter(
            digest=digest(secret),
            used_at=None,
            expires_at__gt=timezone.now(),
            user__is_active=True,
        )
        .select_related("user")
        .first()
    )
    if link is None or (request.method == "POST" and SignInLink.objects.redeem(secret) is None):
        message = (
            "This sign-in link was used already or is too old. "
            "`make run` prints a new one; or sign in with your password."
        )
        return error_response(request, message, status=404)
    if request.method == "POST":
        login(request, link.user, backend="django.contrib.auth.backends.ModelBackend")
        return redirect("playground:home")
    return render(request, "accounts/sign_in_link.html", {"link": link})


@sensitive_post_parameters()
@_FORM
def password_change(request: PageRequest) -> HttpResponse:
    form_class = PasswordChangeForm if request.user.has_usable_password() else SetPasswordForm
    form = form_class(request.user, request.POST or None)
    if form.is_valid():
        form.save()
        update_session_auth_hash(request, request.user)
        messages.success(request, "Your password was changed.")
        return redirect("playground:home")
    return form_response(request, form, title="Change password", submit="Change password")


@_FORM
def token_list(request: PageRequest) -> HttpResponse:
    form = TokenForm(request.POST or None, user=request.user)
    context: dict[str, object] = {}
    if form.is_valid():
        context["token"], context["secret"] = services.create_token(
            user=request.user, **form.cleaned_data
        )
        form = TokenForm(user=request.user)
    context["form"] = form
    context["tokens"] = ApiToken.objects.filter(user=request.user, revoked_at=None).select_related(
        "use_case"
    )
    return render(request, "accounts/tokens.html", context, status=422 if form.errors else 200)


@_FORM
def token_revoke(request: PageRequest, pk: str) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, user=request.user, revoked_at=None)
    if request.method == "POST":
        services.revoke_token(token)
        return redirect("accounts:token-list")
    context = {
        "note": f"Programs that use “{token.name}” stop working at once.",
        "is_danger": True,
        "cancel_url": "../../",
    }
    return form_response(
        request, ConfirmForm(), title="Revoke this token?", submit="Revoke", context=context
    )


@_FORM
def use_case_create(request: PageRequest) -> HttpResponse:
    form = UseCaseForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            use_case = services.create_use_case(user=request.user, **form.cleaned_data)
            return redirect("playground:use-case-detail", use_case.pk)
    return form_response(request, form, title="New use case", submit="Create")


@_FORM
def use_case_rename(request: PageRequest, pk: str) -> HttpResponse:
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    initial = {"name": use_case.name, "description": use_case.description}
    form = UseCaseForm(request.POST or None, initial=initial)
    if form.is_valid():
        with errors_on(form):
            services.update_use_case(use_case, user=request.user, **form.cleaned_data)
            return redirect("playground:use-case-detail", use_case.pk)
    context = {**within(request, use_case, tab=""), "cancel_url": ".."}
    return form_response(
        request, form, title="Name and description", submit="Save", context=context
    )


@_FORM
def member_add(request: PageRequest, pk: str) -> HttpResponse:
    """Share with somebody new, or give a member another role."""
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    services.require_owner(use_case, request.user)
    form = ShareForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            services.share(
                use_case,
                by=request.user,
                email=form.cleaned_data["email"],
                role=Role(form.cleaned_data["role"]),
            )
            return redirect("playground:use-case-detail", use_case.pk)
    context = {
        **within(request, use_case, tab=""),
        "cancel_url": "../..",
        "note": "Owners share and delete, editors change everything else, viewers only look.",
    }
    return form_response(request, form, title="Share", submit="Share", context=context)


@require_POST
def member_role(request: PageRequest, pk: str, user_pk: str) -> HttpResponse:
    use_case, member = _member(request, pk, user_pk)
    role = request.POST.get("role", "")
    if role in Role.values:
        services.share(use_case, by=request.user, email=member.email, role=Role(role))
    return redirect("playground:use-case-detail", use_case.pk)


@_FORM
def member_remove(request: PageRequest, pk: str, user_pk: str) -> HttpResponse:
    use_case, member = _member(request, pk, user_pk)
    if request.method == "POST":
        services.unshare(use_case, by=request.user, member=member)
        if member == request.user:
            return redirect("playground:home")
        return redirect("playground:use-case-detail", use_case.pk)
    context = {
        **within(request, use_case, tab=""),
        "note": f"{member.email} will no longer see “{use_case.name}”.",
        "is_danger": True,
        "cancel_url": "../../..",
    }
    title = "Leave this use case?" if member == request.user else "Remove this member?"
    return form_response(
        request, ConfirmForm(), title=title, submit=title.split()[0], context=context
    )


def _member(request: PageRequest, pk: str, user_pk: str) -> tuple[UseCase, User]:
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    return use_case, get_object_or_404(use_case.members, pk=user_pk)
