"""Expressions show their value for the first row while they are written; a text is fixed or an expression."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = pytest.mark.slow


@pytest.fixture
def flow(api, steps, request) -> str:
    """Read with pinned rows, and filter; a variable names the file."""
    nodes = [
        steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
        steps("keep", "transform.filter", 280, where="carrier = 'AA'"),
        steps("sum", "transform.aggregate", 560, aggregates=[{"name": "n", "expression": "count(*)"}]),
    ]
    made = str(api.flow(request.node.name, nodes, [("read.out", "keep.in"), ("read.out", "sum.in")]))
    version = api("GET", f"/flows/{made}")["row_version"]
    api("PATCH", f"/flows/{made}", {"variables": {"file": "airlines.csv"}, "row_version": version})
    return made


def settings(page: Page, step: str) -> Locator:
    page.get_by_test_id(f"step-{step}").click()
    return page.get_by_role("complementary", name=f"Settings of {step.title()}")


def test_a_condition_shows_its_value_for_the_first_row(page: Page, api, flow):
    page.goto(f"/flows/{flow}")
    side = settings(page, "keep")
    said = side.get_by_role("status")
    expect(said).to_have_text("Run the steps before: its value for the first row is shown here then.")
    api(
        "PUT", f"/flows/{flow}/nodes/read/pin", {"rows": [{"carrier": "UA", "delay": 4}, {"carrier": "AA", "delay": 2}]}
    )
    page.reload()
    side = settings(page, "keep")
    field = side.get_by_role("textbox", name="Condition")
    expect(said).to_have_text("First rowfalse")
    field.fill("delay * 2 > 7 AND carrier = 'UA'")
    expect(said).to_have_text("First rowtrue")
    field.fill("delai > 7")
    expect(said).to_contain_text("names the column 'delai', which is not there")
    expect(said).to_contain_text("did you mean 'delay'?")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_value_that_is_being_worked_out_again_can_be_read(open_page, api, flow, scheme: str):
    page: Page = open_page(color_scheme=scheme)
    api("PUT", f"/flows/{flow}/nodes/read/pin", {"rows": [{"carrier": "AA", "delay": 2}]})
    page.goto(f"/flows/{flow}")
    side = settings(page, "keep")
    expect(side.get_by_role("status")).to_have_text("First rowtrue")
    held: list[Route] = []
    page.route(re.compile("/expressions"), lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
    side.get_by_role("textbox", name="Condition").fill("delay > 1")
    expect(side.locator(".tried[aria-busy]")).to_be_visible()
    found = Axe().run(page, context=".tried").response["violations"]
    for one in held:
        one.fallback()
    assert [f"{one['id']} at {[node['html'] for node in one['nodes']]}" for one in found] == []


def test_an_aggregate_is_worked_out_over_the_first_rows(page: Page, api, flow):
    api("PUT", f"/flows/{flow}/nodes/read/pin", {"rows": [{"delay": n} for n in (4, 2, 6)]})
    page.goto(f"/flows/{flow}")
    side = settings(page, "sum")
    expect(side.get_by_role("status")).to_have_text("Over the first 3 rows3")
    side.get_by_role("textbox", name="Expression").fill("sum(delay) / count(*)")
    expect(side.get_by_role("status")).to_have_text("Over the first 3 rows4")


def test_a_text_is_switched_to_an_expression_and_back(page: Page, api, flow, run):
    page.goto(f"/flows/{flow}")
    side = settings(page, "read")
    switch = side.get_by_role("button", name="As an expression").first
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    field = side.get_by_role("textbox", name="Stream")
    field.fill("")
    side.get_by_label("Insert a value into Stream").select_option("params.file")
    expect(field).to_have_value("{{ params.file }}")
    expect(side.get_by_role("status")).to_have_text("Givesairlines.csv")
    field.fill("{{ params.nothing }}")
    expect(side.get_by_role("status")).to_contain_text("asks for something that is not there")
    field.fill("{{ params.file }}")
    run(page)
    expect(page.get_by_test_id("step-read")).to_contain_text("16 rows")
    assert api("GET", f"/flows/{flow}/data")["nodes"][0]["data"]["config"]["stream"] == "{{ params.file }}"
    page.get_by_test_id("step-read").click()
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    expect(side.get_by_role("combobox", name="Stream")).to_have_value("airlines.csv")


def test_columns_of_pinned_rows_are_offered_before_anything_has_run(page: Page, api, flow):
    api("PUT", f"/flows/{flow}/nodes/read/pin", {"rows": [{"carrier": "UA", "delay": 4}]})
    page.goto(f"/flows/{flow}")
    side = settings(page, "keep")
    field = side.get_by_role("textbox", name="Condition")
    field.fill(" > 3")
    field.press("Home")
    side.get_by_label("Insert a column into Condition").select_option("delay")
    expect(field).to_have_value("delay > 3")
    expect(side.get_by_role("status")).to_have_text("First rowtrue")


def test_rows_of_earlier_steps_are_offered_by_name(page: Page, api, steps, request):
    nodes = [
        steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
        steps("keep", "transform.filter", 280, where="carrier = 'AA'"),
        steps("say", "control.respond", 560, send="text"),
    ]
    flow = api.flow(request.node.name, nodes, [("read.out", "keep.in"), ("keep.out", "say.in")])
    api("PUT", f"/flows/{flow}/nodes/read/pin", {"rows": [{"carrier": "UA", "delay": 4}]})
    page.goto(f"/flows/{flow}")
    side = settings(page, "say")
    side.get_by_role("button", name="As an expression").first.click()
    offered = side.get_by_role("combobox", name="Insert a value into Text")
    expect(offered.locator("option", has_text="nodes.Read.row.delay")).to_have_count(1)
    offered.select_option("nodes.Read.row.delay")
    expect(side.get_by_role("status")).to_have_text("Gives4")
    names = offered.locator("option").all_text_contents()
    assert {"nodes.Read.count", "nodes.Keep.count"} <= set(names)
    assert not any("Say" in name for name in names)
