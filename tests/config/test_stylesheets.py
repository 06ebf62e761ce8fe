"""Pages load their styles in one file, which is there under a name of its own content."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.files.storage import storages
from django.core.management import call_command

from config.stylesheets import BUNDLES

_REFERENCE = re.compile(r"{% static '([^']+)' %}")


@pytest.fixture
def collected(settings, tmp_path) -> Path:
    """All static files, as an installation has them."""
    collected: Path = tmp_path / "static"
    settings.STATIC_ROOT = collected
    settings.STORAGES = project.STORAGES | {
        "staticfiles": {"BACKEND": "config.stylesheets.BundlingStorage"}
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    return collected


def named(collected: Path) -> dict[str, str]:
    """The names by content of the names in templates."""
    paths: dict[str, str] = json.loads((collected / "staticfiles.json").read_text())["paths"]
    return paths


@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_bundle_is_its_parts_in_their_order(collected, bundle):
    names = named(collected)

    joined = (collected / names[f"css/bundles/{bundle}.css"]).read_text()

    sources = project.BASE_DIR / "static" / "css"
    assert joined == "".join((sources / f"{part}.css").read_text() for part in BUNDLES[bundle])


def test_collecting_again_changes_nothing(collected):
    before = named(collected)

    call_command("collectstatic", interactive=False, verbosity=0)

    assert named(collected) == before
    assert {path.name.split(".")[0] for path in (collected / "css/bundles").iterdir()} == set(
        BUNDLES
    )


def test_all_that_templates_refer_to_is_there(collected):
    templates = project.BASE_DIR / "templates"
    wanted = {
        name for page in templates.rglob("*.html") for name in _REFERENCE.findall(page.read_text())
    }

    assert {f"css/bundles/{bundle}.css" for bundle in BUNDLES} <= wanted
    assert wanted <= set(named(collected))


def test_a_bundle_can_be_sent_compressed(collected):
    name = named(collected)["css/bundles/chat.css"]

    assert (collected / f"{name}.gz").stat().st_size < (collected / name).stat().st_size / 2
    assert storages["staticfiles"].url("css/bundles/chat.css").endswith(name)
