from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, path

from accounts import views
from accounts.forms import SignInForm

app_name = "accounts"

_sign_in = views.SignIn.as_view(
    template_name="accounts/sign_in.html",
    authentication_form=SignInForm,
    redirect_authenticated_user=True,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("sign-in/", _sign_in, name="sign-in"),
    path("sign-in/link/<str:secret>/", views.link_sign_in, name="link-sign-in"),
    path("sign-out/", LogoutView.as_view(next_page="accounts:sign-in"), name="sign-out"),
    path("account/password/", views.password_change, name="password-change"),
    path("account/tokens/", views.token_list, name="token-list"),
    path("account/tokens/<id:pk>/revoke/", views.token_revoke, name="token-revoke"),
    path("use-cases/new/", views.use_case_create, name="use-case-create"),
    path("use-cases/<id:pk>/rename/", views.use_case_rename, name="use-case-rename"),
    path("use-cases/<id:pk>/members/new/", views.member_add, name="member-add"),
    path("use-cases/<id:pk>/members/<id:user_pk>/role/", views.member_role, name="member-role"),
    path(
        "use-cases/<id:pk>/members/<id:user_pk>/remove/", views.member_remove, name="member-remove"
    ),
]
