"""Every page in light and dark, read by axe-core: no violation of WCAG 2.2 AA."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.axe import violations
from tests.llm_server import LLMServer
from tests.screenshots.scene import Scene
from tests.screenshots.views import views


@pytest.fixture(scope="module")
def llm() -> Iterator[LLMServer]:
    with LLMServer() as server:
        server.models = [dict(server.models[0], id="axe-model")]
        yield server


@pytest.fixture(scope="module")
def scene(chromium, running, llm, tmp_path_factory) -> Iterator[Scene]:
    """One of everything, made by the administrator; the page is used for nothing else."""
    context = chromium.new_context(base_url=running.url)
    page = context.new_page()
    page.goto(running.sign_in_link("admin@localhost"))
    page.wait_for_url(f"{running.url}/")
    scene = Scene(page, llm, tmp_path_factory.mktemp("scene"), endpoint="Accessibility")
    scene.make()
    yield scene
    context.close()


@pytest.fixture(params=[("light", 1440), ("dark", 1440), ("light", 390)])
def window(request, chromium, running, scene) -> Iterator[Page]:
    theme, width = request.param
    context = chromium.new_context(
        base_url=running.url,
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        reduced_motion="reduce",
        storage_state=scene.page.context.storage_state(),
    )
    yield context.new_page()
    context.close()


def found_in(window: Page, name: str) -> list[str]:
    window.wait_for_load_state()
    return [f"{name}: {line}" for line in violations(window)]


def test_a_broken_page_is_found_out(window):
    window.goto("/")
    window.evaluate("document.querySelector('h1').style.color = 'rgb(140 140 140 / 40%)'")

    assert any("color-contrast" in line for line in violations(window))


def test_no_page_breaks_a_rule(window, scene):
    found = []
    for name, show in views(scene):
        show(window)
        found += found_in(window, name)

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "url", ["/account/password/", "/embedding-models/", "/use-cases/new/", "/api/docs/"]
)
def test_nor_does_one_without_anything_of_a_use_case(window, url):
    window.goto(url)

    assert found_in(window, url) == []


def test_nor_does_the_way_in(chromium, running):
    for theme in ("light", "dark"):
        context = chromium.new_context(base_url=running.url, color_scheme=theme)
        page = context.new_page()
        page.goto("/sign-in/")
        assert found_in(page, f"sign-in {theme}") == []
        context.close()
