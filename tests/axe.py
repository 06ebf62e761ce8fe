"""axe-core on a page of the tests' browser: what it finds against WCAG 2.2, levels A and AA."""

import json

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_OPTIONS = {
    "runOnly": {"type": "tag", "values": _TAGS},
    # Off by default, as all that is new in 2.2.
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
_AXE = Axe()


def violations(page: Page) -> list[str]:
    """One line for each element that breaks a rule: the rule, where, and why."""
    found = _AXE.run(page, options=_OPTIONS).response["violations"]
    return [
        f"{rule['id']}: {json.dumps(node['target'])} {node['html'][:160]} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]
