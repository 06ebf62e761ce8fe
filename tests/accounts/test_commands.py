from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts import services
from accounts.models import SignInLink, UseCase, User


def run(*arguments: str) -> list[str]:
    output = StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue().splitlines()


def test_token_makes_the_user_and_prints_the_token_last(db):
    lines = run("token", "New@Example.com")

    token = services.authenticate_token(lines[-1])
    assert token is not None
    assert token.user == User.objects.get(email="new@example.com")
    assert not token.user.has_usable_password()
    assert not token.user.is_staff


def test_token_makes_the_use_case_once(alice):
    first = run("token", alice.email, "--use-case", "Scripts")
    second = run("token", alice.email, "--use-case", "Scripts")

    use_case = UseCase.objects.owned_by(alice).get(name="Scripts")
    assert use_case.pk in first[0]
    assert first[0] == second[0]
    assert first[-1] != second[-1]
    token = services.authenticate_token(first[-1])
    assert token is not None
    assert services.use_case_of(token) == use_case


def test_token_makes_a_use_case_of_ones_own_beside_a_shared_one(use_case, vera):
    run("token", vera.email, "--use-case", use_case.name)
    assert UseCase.objects.owned_by(vera).get(name=use_case.name) != use_case


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c"])
def test_token_refuses_what_is_no_address(db, email):
    with pytest.raises(CommandError, match="not an email address"):
        run("token", email)
    assert not User.objects.exists()


def test_token_refuses_a_deactivated_user(alice):
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="deactivated"):
        run("token", alice.email)
    assert not alice.api_tokens.exists()


def test_sign_in_link_signs_in_once(alice):
    address = run("sign_in_link", alice.email)[-1]

    secret = address.rstrip("/").rpartition("/")[2]
    link = SignInLink.objects.redeem(secret)
    assert link is not None
    assert link.user == alice
    assert SignInLink.objects.redeem(secret) is None


def test_sign_in_link_needs_a_user(db):
    with pytest.raises(CommandError, match="no active user"):
        run("sign_in_link")
