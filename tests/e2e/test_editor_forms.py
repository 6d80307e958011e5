"""The form of every installed step type: shown in both themes, usable by everybody, and kept as it was filled in."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
WRONG = """() => axe.run('.settings', { resultTypes: ['violations'] }).then(({ violations }) => violations
  .filter((one) => ['serious', 'critical'].includes(one.impact)).map((one) => `${one.id} ${one.nodes[0].html.slice(0, 120)}`))"""
SIMPLE = {"string": "some text", "integer": 3, "number": 0.5, "boolean": True, "array": [], "object": {}}


def filled(schema: dict[str, Any]) -> Any:
    """A value for a form: of each field its example, else its default, else something of its type."""
    if schema.get("examples"):
        return schema["examples"][0]
    for known in ("const", "default"):
        if known in schema:
            return schema[known]
    if "enum" in schema:
        return schema["enum"][0]
    if "oneOf" in schema:
        return filled(schema["oneOf"][0])
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" and "properties" in schema:
        return {name: filled(part) for name, part in schema["properties"].items() if not part.get("writeOnly")}
    if kind == "array" and schema.get("items", {}).get("properties"):
        return [filled(schema["items"])]
    return SIMPLE[kind]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_of_every_step_type_is_shown_and_keeps_its_values(open_page, api, steps, scheme: str):
    page: Page = open_page(color_scheme=scheme)
    page.expected.append("the server responded with a status of 4")  # the values are made up: nothing is behind them
    types = api("GET", "/node-types")
    assert len(types) > 50
    nodes = []
    for number, one in enumerate(types):
        node = steps(f"n{number}", one["id"], (number % 10) * 280, (number // 10) * 110, **filled(one["schema"]))
        node["data"] |= {"label": f"Step {number:03}", "nodeVersion": one["version"]}
        nodes.append(node)
    flow = api.flow(f"Every form {scheme}", nodes)
    before = {node["id"]: node["data"]["config"] for node in api("GET", f"/flows/{flow}/data")["nodes"]}
    page.goto(f"/flows/{flow}")
    expect(page.locator(".react-flow__node").first).to_be_visible()
    page.evaluate(AXE_SCRIPT)
    page.keyboard.press("o")
    listed = page.get_by_role("list", name="Steps")
    found = []
    for number, one in enumerate(types):
        listed.locator(f'[data-step="n{number}"]').first.click()
        side = page.get_by_role("complementary", name=f"Settings of Step {number:03}")
        expect(side).to_be_visible()
        for name, part in one["schema"].get("properties", {}).items():
            hints = part.get("x-ui", {})
            if hints.get("advanced") or hints.get("visible_if") or "const" in part:
                continue
            title = part.get("title", name.replace("_", " "))
            assert side.get_by_text(title).count() or side.get_by_label(title).count(), f"{one['id']} lacks {title}"
        found += [f"{one['id']}: {wrong}" for wrong in page.evaluate(WRONG)]
    assert found == []
    page.get_by_role("textbox", name="Name of the step").fill("The last one")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    after = {node["id"]: node["data"]["config"] for node in api("GET", f"/flows/{flow}/data")["nodes"]}
    assert after == before
