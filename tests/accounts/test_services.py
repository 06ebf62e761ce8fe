from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import services
from accounts.models import ApiToken, Role, SignInLink, UseCase
from config.errors import Conflict, Forbidden, InvalidInput, NotFound


def test_a_use_case_belongs_to_whoever_made_it(alice, bob):
    use_case = services.create_use_case(user=alice, name="Support")

    assert services.role_of(use_case, alice) is Role.OWNER
    assert list(UseCase.objects.visible_to(alice)) == [use_case]
    assert not UseCase.objects.visible_to(bob).exists()


def test_a_use_case_without_a_name_gets_one(alice):
    assert services.create_use_case(user=alice).name.startswith("Untitled Use Case ")


def test_a_viewer_may_look_but_not_change(use_case, vera):
    assert use_case in UseCase.objects.visible_to(vera)
    assert use_case not in UseCase.objects.editable_by(vera)
    with pytest.raises(Forbidden):
        services.update_use_case(use_case, user=vera, name="Mine now")


def test_sharing_gives_a_role(use_case, alice, bob):
    services.share(use_case, by=alice, email=" Bob@Example.com ", role=Role.EDITOR)
    assert use_case in UseCase.objects.editable_by(bob)


def test_sharing_with_nobody_says_so(use_case, alice):
    with pytest.raises(InvalidInput, match="no user"):
        services.share(use_case, by=alice, email="nobody@example.com", role=Role.EDITOR)


def test_only_owners_share(use_case, vera, bob):
    with pytest.raises(Forbidden):
        services.share(use_case, by=vera, email=bob.email, role=Role.VIEWER)


def test_the_last_owner_stays(use_case, alice):
    with pytest.raises(Conflict):
        services.unshare(use_case, by=alice, member=alice)
    with pytest.raises(Conflict):
        services.share(use_case, by=alice, email=alice.email, role=Role.VIEWER)


def test_a_member_may_leave(use_case, vera):
    services.unshare(use_case, by=vera, member=vera)
    assert services.role_of(use_case, vera) is None


def test_a_token_is_stored_hashed_and_works(alice):
    token, secret = services.create_token(user=alice, name="script")

    assert secret not in str(ApiToken.objects.values())
    found = services.authenticate_token(secret)
    assert found == token
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_a_second_use_within_the_minute_writes_nothing(alice, django_assert_num_queries):
    _, secret = services.create_token(user=alice, name="script")
    services.authenticate_token(secret)
    with django_assert_num_queries(1):
        services.authenticate_token(secret)


def test_a_revoked_token_is_refused(alice):
    token, secret = services.create_token(user=alice, name="script")
    services.revoke_token(token)
    assert services.authenticate_token(secret) is None


def test_a_deactivated_users_token_is_refused(alice):
    _, secret = services.create_token(user=alice, name="script")
    alice.is_active = False
    alice.save()
    assert services.authenticate_token(secret) is None


def test_a_sign_in_link_works_once(alice):
    secret = services.create_sign_in_link(alice)

    link = SignInLink.objects.all().redeem(secret)
    assert link is not None
    assert link.user == alice
    assert SignInLink.objects.all().redeem(secret) is None


def test_an_old_sign_in_link_is_refused(alice):
    secret = services.create_sign_in_link(alice)
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert SignInLink.objects.all().redeem(secret) is None


def test_a_token_addresses_its_use_case_or_its_users_oldest(alice, use_case):
    newer = services.create_use_case(user=alice, name="Newer")
    plain, _ = services.create_token(user=alice, name="plain")
    bound, _ = services.create_token(user=alice, name="bound", use_case=newer)

    assert services.use_case_of(plain) == use_case
    assert services.use_case_of(bound) == newer


def test_a_token_addresses_no_use_case_that_its_user_left(alice, bob, use_case):
    lonely, _ = services.create_token(user=bob, name="lonely")
    bound, _ = services.create_token(user=bob, name="bound", use_case=use_case)
    services.create_use_case(user=bob, name="Own")

    assert services.use_case_of(lonely).name == "Own"
    with pytest.raises(NotFound):
        services.use_case_of(bound)


def test_a_token_of_somebody_without_a_use_case_addresses_none(bob):
    with pytest.raises(NotFound):
        services.use_case_of(services.create_token(user=bob, name="lonely")[0])
