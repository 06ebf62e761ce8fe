"""What is said of the settings: one text for the forms and for the docs."""

import re
from pathlib import Path

import pytest

from blueprints.forms import SettingsForm
from blueprints.setting_tips import TIPS
from blueprints.settings import AnswerSettings

DOCS = Path(__file__).parents[2] / "docs" / "blueprints.md"


def test_every_setting_has_its_tip(use_case, settings):
    settings.RERANKER = "a/cross-encoder"
    form = SettingsForm(use_case=use_case, settings=AnswerSettings())

    assert {name for name, field in form.fields.items() if getattr(field, "tip", "")} == set(TIPS)
    assert set(form.fields) == set(TIPS)


@pytest.mark.parametrize("name", TIPS)
def test_a_tip_says_what_it_costs_and_is_short(name):
    assert re.search(r"cost|token|milliseconds|dear", TIPS[name])
    assert len(TIPS[name]) < 280


@pytest.mark.parametrize("name", TIPS)
def test_the_docs_say_the_same(name):
    assert f".** {TIPS[name]}\n" in DOCS.read_text()
