"""Every form there is, of a step type or a connector: for everybody in both themes, and what is filled in is kept.

A few of them in each run, all with the slow proofs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, Route, expect

FORMS = (Path(__file__).parent / "forms.js").read_text()
AXE = """([where, rules]) => axe.run({ include: [[where]] }, { resultTypes: ['violations'], ...rules })
  .then(({ violations }) => violations.map(
    ({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map((one) => one.html.slice(0, 160))}`))"""
GO = "(to) => history.pushState(null, '', to)"
SETTINGS, CONNECTION = ".settings", ".connection-form"
LONG = [pytest.mark.slow, pytest.mark.timeout(1_800)]
LOOKS = [("light", "sample"), *(pytest.param(*look, marks=LONG) for look in
         [("dark", "sample"), ("light", "every"), ("dark", "every")])]  # fmt: skip
FEW = {"transform.join", "control.if", "code.python", "postgresql.write", "rest", "postgresql", "s3"}
RULES = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
"""The other rules do not look at colours."""
SLICE = 8


def chosen(which: str, kinds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [one for one in kinds if which == "every" or one["id"] in FEW]
    assert len(found) > (50 if which == "every" else 2), f"only {len(found)} of {len(kinds)}"
    return found


def slices(kinds: list[dict[str, Any]]) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A few at a time, as axe reads the whole page for each form; with their number."""
    return enumerate(kinds[at : at + SLICE] for at in range(0, len(kinds), SLICE))


def tell(page: Page, where: str, kind: dict[str, Any], fields: list[list[Any]], scheme: str) -> Iterator[str]:
    """What is wrong with a form: what axe finds, and fields that its schema has and the page has not."""
    names = {str(name) for name, _ in fields}
    text = page.locator(where).inner_text()
    for name, part in kind["schema"].get("properties", {}).items():
        hidden = "const" in part or part.get("x-ui", {}).get("visible_if")
        title = part.get("title", name.replace("_", " "))
        if not hidden and title not in text and title not in names:
            yield f"{kind['id']}: no field '{title}'"
    for said in page.evaluate(AXE, [where, RULES[scheme]]):
        yield f"{kind['id']}: {said}"


@pytest.mark.parametrize(("scheme", "which"), LOOKS)
def test_the_form_of_a_step_is_for_everybody_and_keeps_what_is_filled_in(
    open_page, api, steps, scheme: str, which: str
):
    page: Page = open_page(color_scheme=scheme, reduced_motion="reduce")
    page.expected.append("the server responded with a status of 4")  # nothing is behind made-up values
    page.add_init_script(AXE_SCRIPT + FORMS)
    kinds = chosen(which, api("GET", "/node-types"))
    wrong = []
    for number, some in slices(kinds):
        nodes = [steps(f"n{at}", one["id"], 0, at * 110) for at, one in enumerate(some)]
        for node, one in zip(nodes, some, strict=True):
            node["data"] |= {"label": one["id"], "nodeVersion": one["version"]}
        wrong += kept(page, api, api.flow(f"Forms {uuid4()} {number}", nodes), some, scheme)
    assert wrong == []


def kept(page: Page, api, flow: str, kinds: list[dict[str, Any]], scheme: str) -> Iterator[str]:
    """Fills in the forms of a flow's steps, saves, and reads them again; what is wrong with them."""
    filled = {}
    for one in opened(page, flow, kinds):
        page.evaluate("(where) => forms.fill(where)", SETTINGS)
        filled[one["id"]] = page.evaluate("(where) => forms.read(where)", SETTINGS)
        yield from tell(page, SETTINGS, one, filled[one["id"]], scheme)
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    stored = {node["data"]["nodeType"]: node["data"]["config"] for node in api("GET", f"/flows/{flow}/data")["nodes"]}
    for one in opened(page, flow, kinds):
        after = page.evaluate("(where) => forms.read(where)", SETTINGS)
        if after != filled[one["id"]]:
            yield f"{one['id']}: kept {after}, filled in {filled[one['id']]}"
        if len(after) > 1 and not stored[one["id"]]:
            yield f"{one['id']}: nothing is stored of {after}"


def opened(page: Page, flow: str, kinds: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    page.goto(f"/flows/{flow}")
    expect(page.locator(".react-flow__node").first).to_be_visible()
    page.keyboard.press("o")
    for at, one in enumerate(kinds):
        page.get_by_role("list", name="Steps").locator(f'[data-step="n{at}"]').first.click()
        expect(page.get_by_role("complementary", name=f"Settings of {one['id']}", exact=True)).to_be_visible()
        yield one


@pytest.mark.parametrize(("scheme", "which"), LOOKS)
def test_the_form_of_a_connection_is_for_everybody_and_keeps_what_is_filled_in(open_page, api, scheme: str, which: str):
    page: Page = open_page(color_scheme=scheme, reduced_motion="reduce")
    page.expected.append("the server responded with a status of 4")
    page.add_init_script(AXE_SCRIPT + FORMS)
    page.expected.append("Multiple forms should be contained")  # Chromium's guess where a form has several secrets
    page.route(re.compile(r"/connections/[0-9a-f-]+/test$"), answered)
    kinds = chosen(which, api("GET", "/connectors"))
    page.goto("/connections")
    expect(page.get_by_role("heading", name="Connections", level=1)).to_be_visible()
    wrong, made = [], []
    for one in kinds:
        page.evaluate(GO, f"/connections/new/{one['id']}")
        expect(page.get_by_role("heading", name=f"New {one['title']} connection", exact=True)).to_be_visible()
        expect(page.locator(CONNECTION)).to_be_visible()
        name = f"{one['id']} {uuid4()}"
        page.locator("#connection-name").fill(name)
        page.evaluate("(where) => forms.fill(where)", CONNECTION)
        filled = page.evaluate("(where) => forms.read(where)", CONNECTION)
        wrong += tell(page, CONNECTION, one, filled, scheme)
        page.get_by_role("button", name="Save").click()
        said = page.locator(f"{CONNECTION} [role=alert]").first
        expect(page.get_by_role("heading", name=name, level=1).or_(said).first).to_be_visible()
        if said.count() and said.is_visible():
            wrong.append(f"{one['id']}: refuses {filled}: {said.inner_text()}")
            continue
        made.append(page.url.rpartition("/")[2])
        page.reload()
        expect(page.locator(CONNECTION)).to_be_visible()
        after = page.evaluate("(where) => forms.read(where)", CONNECTION)
        if after != filled:
            wrong.append(f"{one['id']}: kept {after}, filled in {filled}")
    for id_ in made:
        api("DELETE", f"/connections/{id_}")
    assert wrong == []


def answered(route: Route) -> None:
    """The made-up connection works: to test one is another test's matter."""
    route.fulfill(json={"success": True, "data": {"ok": True, "ms": 1, "checks": [], "hint": ""}})
