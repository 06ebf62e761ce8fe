import pytest
from django.urls import reverse

from accounts import services
from accounts.models import ApiToken, Membership, Role, UseCase
from tests.pages.conftest import HTMX

PASSWORD = "correct horse battery"


def sign_in(client, email, password=PASSWORD):
    return client.post(reverse("accounts:sign-in"), {"username": email, "password": password})


def test_it_signs_in_by_email_whatever_its_case(client, alice):
    response = sign_in(client, "Alice@Example.com")

    assert response.headers["Location"] == "/"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(("email", "password"), [("alice@example.com", "no"), ("x@y.zz", PASSWORD)])
def test_a_wrong_password_and_an_unknown_address_look_alike(client, alice, email, password):
    response = sign_in(client, email, password)

    assert "do not fit together" in response.content.decode()


def test_who_was_deactivated_cannot_sign_in(client, alice):
    alice.is_active = False
    alice.save()

    assert sign_in(client, alice.email).status_code == 200


def test_after_signing_in_it_goes_where_one_wanted_to(client, alice, world):
    page = reverse("playground:chat-detail", args=[world.chat.pk])
    asked = client.get(page).headers["Location"]

    response = client.post(
        asked, {"username": alice.email, "password": PASSWORD, "next": page}, follow=True
    )

    assert response.redirect_chain[-1][0] == page


def test_it_never_leads_to_another_site(client, alice):
    url = reverse("accounts:sign-in")
    data = {"username": alice.email, "password": PASSWORD, "next": "https://evil.example/"}

    assert client.post(url, data).headers["Location"] == "/"


def test_signing_out_needs_a_post(client, alice):
    client.force_login(alice)
    url = reverse("accounts:sign-out")

    assert client.get(url).status_code == 405
    client.post(url)
    assert client.get("/").status_code == 302


def test_a_link_is_not_used_up_by_looking_and_signs_in_once(client, alice):
    url = reverse("accounts:link-sign-in", args=[services.create_sign_in_link(alice)])

    for _ in range(2):
        assert alice.email in client.get(url).content.decode()
    assert client.get("/").status_code == 302
    assert client.post(url).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert client.post(url).status_code == 404
    assert "used already" in client.get(url).content.decode()


def test_a_new_password_needs_the_old_one_and_keeps_one_signed_in(client, alice):
    client.force_login(alice)
    url = reverse("accounts:password-change")
    new = {"new_password1": "quiet purple river", "new_password2": "quiet purple river"}

    assert client.post(url, {"old_password": "wrong", **new}).status_code == 422
    assert client.post(url, {"old_password": PASSWORD, **new}).status_code == 302
    assert client.get("/").status_code == 200
    alice.refresh_from_db()
    assert alice.check_password("quiet purple river")


def test_who_came_by_a_link_sets_a_first_password(client, alice):
    alice.set_unusable_password()
    alice.save()
    client.force_login(alice)

    page = client.get(reverse("accounts:password-change")).content.decode()

    assert "old_password" not in page


def test_a_token_is_shown_once_and_can_be_revoked(client, alice):
    client.force_login(alice)
    url = reverse("accounts:token-list")

    page = client.post(url, {"name": "CI"}).content.decode()

    token = ApiToken.objects.get()
    secret = page.split('id="secret">')[1].split("<")[0]
    assert services.authenticate_token(secret) == token
    assert secret not in client.get(url).content.decode()
    assert token.prefix in client.get(url).content.decode()
    client.post(reverse("accounts:token-revoke", args=[token.pk]))
    assert services.authenticate_token(secret) is None


def test_a_token_without_a_name_is_refused(client, alice):
    client.force_login(alice)

    assert client.post(reverse("accounts:token-list"), {"name": ""}).status_code == 422


def test_it_makes_renames_and_shares_a_use_case(client, alice, bob):
    client.force_login(alice)

    client.post(reverse("accounts:use-case-create"), {"name": "Sales"})
    use_case = UseCase.objects.get()
    client.post(reverse("accounts:use-case-rename", args=[use_case.pk]), {"name": "Presales"})
    share = reverse("accounts:member-add", args=[use_case.pk])
    assert client.post(share, {"email": "no@body.zz", "role": "viewer"}).status_code == 422
    client.post(share, {"email": bob.email, "role": "viewer"})
    client.post(reverse("accounts:member-role", args=[use_case.pk, bob.pk]), {"role": "editor"})

    use_case.refresh_from_db()
    assert use_case.name == "Presales"
    assert services.role_of(use_case, bob) == Role.EDITOR
    client.post(reverse("accounts:member-remove", args=[use_case.pk, bob.pk]))
    assert services.role_of(use_case, bob) is None


def test_the_last_owner_stays(client, alice, use_case):
    client.force_login(alice)
    url = reverse("accounts:member-remove", args=[use_case.pk, alice.pk])

    response = client.post(url)

    assert response.status_code == 409
    assert "needs an owner" in response.content.decode()
    assert Membership.objects.count() == 1


def test_an_editor_does_not_share(client, use_case, bob):
    Membership.objects.create(use_case=use_case, user=bob, role=Role.EDITOR)
    client.force_login(bob)

    response = client.post(
        reverse("accounts:member-add", args=[use_case.pk]), {"email": bob.email, "role": "owner"}
    )

    assert response.status_code == 403
    assert services.role_of(use_case, bob) == Role.EDITOR


def test_forms_come_alone_into_the_dialog_and_lead_on_from_there(client, alice):
    client.force_login(alice)
    url = reverse("accounts:use-case-create")

    form = client.get(url, headers=HTMX).content.decode()
    refused = client.post(url, {"name": ""}, headers=HTMX)
    made = client.post(url, {"name": "Sales"}, headers=HTMX)

    assert "<html" not in form
    assert 'hx-post="/use-cases/new/"' in form
    assert refused.status_code == 422
    assert "This field is required" in refused.content.decode()
    assert made.headers["HX-Redirect"] == f"/use-cases/{UseCase.objects.get().pk}/"


def test_a_token_is_bound_to_a_use_case_that_one_sees(client, alice, bob, use_case):
    strange = services.create_use_case(user=bob, name="Secret plans")
    client.force_login(alice)
    url = reverse("accounts:token-list")
    assert "Secret plans" not in client.get(url).content.decode()

    assert client.post(url, {"name": "SDK", "use_case": strange.pk}).status_code == 422
    client.post(url, {"name": "SDK", "use_case": use_case.pk})

    assert ApiToken.objects.get().use_case == use_case
