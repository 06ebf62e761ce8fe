"""The cast's programs, as they speak below /v4/; those of version 5 come along."""

import pytest

from tests.v5.conftest import Programme, api, bob_api, vera_api

__all__ = ["api", "bob_api", "vera_api"]


@pytest.fixture
def old(api: Programme) -> Programme:
    return Programme(api.token, root="v4")


@pytest.fixture
def old_vera(vera_api: Programme) -> Programme:
    return Programme(vera_api.token, root="v4")
