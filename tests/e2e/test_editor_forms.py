"""The form of every installed step type: shown in both themes, usable by everybody, and kept as it was filled in."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
WRONG = """async () => {
  const form = document.querySelector('.settings, .connection-form')
  const { violations } = await axe.run(form, { resultTypes: ['violations'] })
  return violations.filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id} ${one.nodes[0].html.slice(0, 120)}`)
}"""
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


def wrong(page: Page) -> list[str]:
    """What of the form is not for everybody, in either theme."""
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found += page.evaluate(WRONG)
    return found


def lacks(form: Locator, schema: dict[str, Any]) -> list[str]:
    """Titles of fields that always show, and are not there."""
    said = []
    for name, part in schema.get("properties", {}).items():
        hints = part.get("x-ui", {})
        title = part.get("title", name.replace("_", " "))
        if hints.get("advanced") or hints.get("visible_if") or "const" in part:
            continue
        if not form.get_by_text(title).count() and not form.get_by_label(title).count():
            said.append(f"lacks {title}")
    return said


def test_the_form_of_every_step_type_is_shown_and_keeps_its_values(page: Page, api, steps):
    page.expected.append("the server responded with a status of 4")  # type: ignore[attr-defined]
    types = api("GET", "/node-types")
    assert len(types) > 50
    nodes = []
    for number, one in enumerate(types):
        node = steps(f"n{number}", one["id"], (number % 10) * 280, (number // 10) * 110, **filled(one["schema"]))
        node["data"] |= {"label": f"Step {number:03}", "nodeVersion": one["version"]}
        nodes.append(node)
    flow = api.flow("Every form", nodes)
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
        found += [f"{one['id']}: {said}" for said in [*lacks(side, one["schema"]), *wrong(page)]]
    assert found == []
    page.get_by_role("textbox", name="Name of the step").fill("The last one")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    after = {node["id"]: node["data"]["config"] for node in api("GET", f"/flows/{flow}/data")["nodes"]}
    assert after == before


def test_the_form_of_every_connector_is_shown(page: Page, api):
    found = []
    for one in api("GET", "/connectors"):
        page.goto(f"/connections/new/{one['id']}")
        form = page.locator(".settings, .connection-form").first
        expect(form.get_by_label("Name").first).to_be_visible()
        page.evaluate(AXE_SCRIPT)
        found += [f"{one['id']}: {said}" for said in [*lacks(form, one["schema"]), *wrong(page)]]
    assert found == []
