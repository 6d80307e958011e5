"""Pinned rows stand in for a step in test runs; parts of a flow are run from the step."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


@pytest.fixture
def flow(api, steps, request) -> str:
    """Read and filter."""
    nodes = [
        steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
        steps("keep", "transform.filter", 280, where="carrier = 'AA'"),
        steps("sort", "transform.sort", 560, by=[{"column": "name"}]),
    ]
    return str(api.flow(request.node.name, nodes, [("read.out", "keep.in"), ("keep.out", "sort.in")]))


def test_rows_are_pinned_used_and_let_go(page: Page, api, flow, run):
    page.expected.append("nodes/read/preview")  # rows of the run before go with the pin
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-read").click()
    page.get_by_test_id("step-read").press("Shift+P")
    dialog = page.get_by_role("dialog", name="Rows of “Read”")
    dialog.get_by_role("textbox").fill('[{"carrier": "AA", "name": 1},]')
    dialog.get_by_role("button", name="Pin these rows").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This is no JSON")
    dialog.get_by_role("textbox").fill('[{"carrier": "AA", "name": "Ours"}, {"carrier": "ZZ", "name": "Not"}]')
    dialog.get_by_role("button", name="Pin these rows").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_test_id("step-read").get_by_role("img", name="Pinned")).to_be_visible()

    def told() -> None:
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.get_by_text("1 step gives its pinned rows in this run.")).to_be_visible()

    run(page, told)
    expect(page.get_by_test_id("step-keep")).to_contain_text("1 row")
    page.reload()
    expect(page.get_by_test_id("step-read").get_by_role("img", name="Pinned")).to_be_visible()
    page.get_by_test_id("step-read").click()
    expect(page.get_by_role("region", name="Results").get_by_text("Ours")).to_be_visible()
    page.locator('.react-flow__node[data-id="read"]').focus()
    page.keyboard.press("p")
    expect(page.get_by_text("“Read” is executed again.")).to_be_visible()
    expect(page.get_by_test_id("step-read").get_by_role("img", name="Pinned")).to_be_hidden()
    run(page)
    expect(page.get_by_test_id("step-read")).to_contain_text("rows")
    assert api("GET", f"/flows/{flow}/nodes/read/preview")["pinned"] is False


def test_a_part_is_run_from_the_step_by_keys(page: Page, flow, run):
    page.goto(f"/flows/{flow}")
    node = page.locator('.react-flow__node[data-id="keep"]')
    page.get_by_test_id("step-keep").click()
    node.focus()
    run(page, lambda: page.keyboard.press("Alt+Enter"))
    expect(page.get_by_test_id("step-keep")).to_contain_text("row")
    expect(page.get_by_test_id("step-sort")).to_contain_text("Sort")
    node.focus()
    page.keyboard.press("p")
    expect(page.get_by_test_id("step-keep").get_by_role("img", name="Pinned")).to_be_visible()
    run(page, lambda: page.keyboard.press("Shift+Alt+Enter"))
    expect(page.get_by_test_id("step-sort")).to_contain_text("row")


def test_the_run_that_is_shown_is_repeated_from_a_step(page: Page, flow, run):
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-keep")).to_be_visible()
    run(page)
    page.get_by_test_id("step-keep").click(button="right")
    with page.expect_response(lambda answer: answer.url.endswith("/retry")) as answer:
        page.get_by_role("menuitem", name="Repeat the shown run from here").click()
    again = answer.value.json()["data"]["execution_id"]
    badge = page.locator(f'.dock[data-execution="{again}"] .badge[data-state]')
    expect(badge).to_have_attribute("data-state", "completed", timeout=120_000)
