"""What details meant the last time they mean only for as long as it is so."""

import pytest

from accounts.services import create_use_case
from blueprints import files, known_versions
from blueprints.known_versions import known_version
from blueprints.models import BlueprintVersion

pytestmark = pytest.mark.django_db
DETAILS = {"model": "m", "provider": "mock", "template": "Be {{person}}."}


@pytest.fixture
def version_of(alice, use_case):
    def version_of(details=DETAILS, path="desk/bot", within=None) -> BlueprintVersion:
        made = files.get_or_make(
            user=alice,
            use_case=within or use_case,
            kind="prompt",
            path=path,
            file_id=None,
            details=details,
        )
        assert isinstance(made, BlueprintVersion)
        return made

    return version_of


@pytest.fixture
def known(version_of, use_case):
    """Make a version and ask for it, until it is known."""
    first = version_of()
    assert known_version(use_case, "desk/bot", DETAILS) is None
    assert version_of() == first
    found = known_version(use_case, "desk/bot", DETAILS)
    assert found == first
    return found


def test_it_comes_with_what_a_call_needs(known, use_case, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = known_version(use_case, "desk/bot", DETAILS)
        assert found is not None
        assert found.blueprint.use_case == use_case
        assert (found.llm, found.vector_database, found.created_by) == (
            None,
            None,
            known.created_by,
        )


def test_the_order_of_keys_makes_no_difference_and_others_are_others(known, use_case):
    assert known_version(use_case, "desk/bot", dict(reversed(DETAILS.items()))) == known
    assert known_version(use_case, "desk/bot", DETAILS | {"model": "n"}) is None
    assert known_version(use_case, "desk/other", DETAILS) is None


def test_another_newest_version_may_mean_another(known, alice, use_case, version_of):
    """What details leave open, such as how many passages, is as in the newest."""
    BlueprintVersion.objects.create(
        blueprint=known.blueprint,
        number=2,
        content_hash="2",
        kernel_hash="2",
        retrieval_settings={"max_documents_retrieved_per_prompt": 1},
        created_by=alice,
    )

    assert known_version(use_case, "desk/bot", DETAILS) is None
    assert version_of().number == 3


def test_what_moved_away_is_not_found_there_any_more(known, alice, use_case, version_of):
    files.move(known.blueprint, user=alice, path="desk/elsewhere", name=None)

    assert known_version(use_case, "desk/bot", DETAILS) is None
    assert version_of().blueprint != known.blueprint


def test_what_was_deleted_is_made_anew(known, alice, use_case, version_of):
    files.delete_file(known.blueprint, user=alice)

    assert version_of().pk != known.pk


def test_other_use_cases_have_their_own(known, alice, version_of):
    other = create_use_case(user=alice, name="Other")

    made = version_of(within=other)

    assert made != known
    assert made.blueprint.use_case == other


def test_only_some_are_known(known, use_case, version_of, monkeypatch):
    monkeypatch.setattr(known_versions, "_MOST", 1)
    for _ in range(2):
        version_of(path="desk/other")

    assert known_version(use_case, "desk/bot", DETAILS) is None
    assert known_version(use_case, "desk/other", DETAILS)
