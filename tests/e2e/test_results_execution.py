"""An execution's page: the timeline equals what was recorded, the log follows, it is repeated and compared."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

SETTLED_MS = 60_000
LINES = 50_000
PARTS = """(row) => {
  const track = row.querySelector('.gantt-track').getBoundingClientRect()
  const box = (part) => ({ kind: part.dataset.kind, left: part.getBoundingClientRect().left - track.left,
    right: part.getBoundingClientRect().right - track.left })
  return { width: track.width, parts: [...row.querySelectorAll('.gantt-part')].map(box) }
}"""


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


@pytest.fixture
def failing(api, steps):
    """A flow that reads, waits, and fails with a line in its log."""

    def make(name: str, seconds: int) -> str:
        nodes = [
            steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
            steps("pause", "control.wait", 280, seconds=seconds),
            steps("bad", "code.python", 560, code="raise ValueError('not today')"),
            steps("after", "transform.limit", 840, rows=3),
        ]
        return str(api.flow(name, nodes, [("read.out", "pause.in"), ("pause.out", "bad.in"), ("bad.out", "after.in")]))

    return make


def whole(api, flow: str, **body) -> dict:
    return dict(
        api("POST", f"/flows/{flow}/execute", {"observe": "all", "async_mode": False, "wait_seconds": 60, **body})
    )


@pytest.mark.slow
def test_the_timeline_equals_the_recorded_times_within_a_pixel(page: Page, api, failing):
    ran = whole(api, failing("Timed", 2), reuse=False)["id"]
    page.goto(f"/executions/{ran}?tab=timeline")
    rows = page.locator(".gantt ol li")
    expect(rows).to_have_count(3)
    frame = page.locator(".gantt-scroll")
    nodes = {one["node_id"]: one for one in api("GET", f"/executions/{ran}/nodes")}
    tries = api("GET", f"/executions/{ran}/attempts")
    for zoomed in (False, True):  # a page counts whole milliseconds: one of them may be missing
        if zoomed:
            page.get_by_role("button", name="Closer").click()
            page.get_by_role("button", name="Closer").click()
        begin, end = float(frame.get_attribute("data-begin") or 0), float(frame.get_attribute("data-end") or 0)
        for id_ in ("read", "pause", "bad"):
            shown = page.locator(f'.gantt li[data-step="{id_}"]').evaluate(PARTS)
            px = shown["width"] / (end - begin)
            last = shown["parts"][-1]
            assert last["kind"] == "work"
            assert abs(last["left"] - (at(nodes[id_]["started_at"]) - begin) * px) <= 1
            assert last["right"] - max(2, (at(nodes[id_]["completed_at"]) - begin) * px) <= 2
        parked = next(one for one in tries if one["outcome"] == "parked")
        resumed = next(one for one in tries if one["segment_no"] == parked["segment_no"] and one["attempt"] == 2)
        parts = page.locator('.gantt li[data-step="pause"]').evaluate(PARTS)
        waits = next(part for part in parts["parts"] if part["kind"] == "waits")
        assert abs(waits["left"] - (at(parked["finished_at"]) - begin) * px) <= 1
        assert (
            abs(waits["right"] - (at(nodes["pause"]["started_at"]) - begin) * px) <= 1 + px
            or abs(waits["right"] - (at(resumed["started_at"]) - begin) * px) <= 1 + px
        )
    page.get_by_role("button", name=re.compile("Pause")).hover()
    expect(page.locator(".gantt-times")).to_contain_text("waited 2")


def test_the_log_follows_what_is_written(page: Page, api, failing):
    ran = api("POST", f"/flows/{failing('Follows', 6)}/execute", {"observe": "all"})["id"]
    page.goto(f"/executions/{ran}?tab=logs")
    expect(page.get_by_role("heading", name="Nothing was logged")).to_be_visible()
    expect(page.get_by_role("log").get_by_text("not today")).to_be_visible(timeout=SETTLED_MS)
    page.get_by_label("Level").select_option("error")
    expect(page.get_by_role("log").get_by_role("listitem")).to_have_count(1)
    page.get_by_role("searchbox", name="Search the log").fill("something else")
    expect(page.get_by_role("heading", name="No such lines")).to_be_visible()
    page.get_by_role("searchbox", name="Search the log").fill("NOT TODAY")
    expect(page.get_by_role("log").get_by_role("listitem")).to_have_count(1)
    page.get_by_label("Step").select_option(label="Read")
    expect(page).to_have_url(re.compile("step=read"))
    expect(page.get_by_role("heading", name="No such lines")).to_be_visible()


@pytest.mark.slow
def test_a_log_of_50_000_lines_is_windowed_and_says_that_there_is_more(page: Page, api, failing):
    ran = whole(api, failing("Talks", 1))["id"]

    def lines(route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        after, limit = int(asked["after"][0]), int(asked["limit"][0])
        rows = [
            {"id": n, "execution_id": ran, "node_id": "read", "segment_no": 0, "attempt": 1, "level": "info",
             "message": f"line {n}", "metadata": {}, "created_at": "2026-01-01T00:00:00Z"}
            for n in range(after + 1, after + limit + 1)
        ]  # fmt: skip
        route.fulfill(body=json.dumps({"success": True, "data": rows, "meta": {}}), content_type="application/json")

    page.route("**/logs?*", lines)
    page.goto(f"/executions/{ran}?tab=logs")
    expect(page.get_by_text("These are the first 50,000 lines")).to_be_visible(timeout=SETTLED_MS)
    log = page.get_by_role("log")
    assert log.get_by_role("listitem").count() < 100
    log.evaluate("(at) => { at.scrollTop = at.scrollHeight }")
    expect(log.get_by_text(f"line {LINES}", exact=True)).to_be_visible()
    assert log.get_by_role("listitem").count() < 100


def test_a_failure_names_its_step_and_is_retried_from_there(page: Page, api, failing):
    flow = failing("Retried", 1)
    ran = whole(api, flow)["id"]
    page.goto(f"/executions/{ran}?step=read")
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text("not today")
    alert.get_by_role("button", name="Go to Bad").click()
    expect(page).to_have_url(re.compile("step=bad"))
    expect(page.get_by_role("list", name="Steps").get_by_role("button", pressed=True)).to_contain_text("Bad")
    page.get_by_role("button", name="Other ways to run it again").click()
    page.get_by_role("menuitem", name="Run again from Bad").click()
    expect(page).not_to_have_url(re.compile(ran))
    again = page.url.rpartition("/")[2].partition("?")[0]
    assert api("GET", f"/executions/{again}")["execution_details"]["retry"]["node_ids"] == ["bad"]
    expect(page.get_by_role("link", name="Repeats another execution")).to_be_visible()


def test_it_is_replayed_with_another_input(page: Page, api, failing):
    ran = whole(api, failing("Replayed", 1), input_data={"day": 1})["id"]
    page.goto(f"/executions/{ran}")
    page.get_by_role("button", name="Other ways to run it again").click()
    page.get_by_role("menuitem", name="Run again with another input").click()
    box = page.get_by_role("dialog").get_by_role("textbox", name="Input, as JSON")
    expect(box).to_have_value('{\n  "day": 1\n}')
    box.fill('{"day": ')
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("This is no JSON")
    box.fill('{"day": 2}')
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(page).not_to_have_url(re.compile(ran))
    again = page.url.rpartition("/")[2].partition("?")[0]
    assert api("GET", f"/executions/{again}")["input_data"] == {"day": 2}


@pytest.mark.slow
def test_a_running_execution_says_how_far_it_is_and_what_is_left(page: Page, api, failing):
    ran = api("POST", f"/flows/{failing('Takes long', 300)}/execute", {})["id"]
    ahead: dict[str, str | None] = {"eta_at": None, "eta_from": None, "eta_to": None}

    def running(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        told["data"] |= {"status": "running", "progress": 0.42, **ahead}
        route.fulfill(response=answer, json=told)

    page.route(re.compile(rf"/api/v1/executions/{ran}$"), running)
    page.goto(f"/executions/{ran}")
    facts = page.get_by_role("region", name="Figures")
    expect(facts.get_by_text(re.compile("No forecast|Usually takes"))).to_be_visible()
    now = datetime.now(UTC)
    for name, minutes in (("eta_from", 2), ("eta_at", 3), ("eta_to", 5)):
        ahead[name] = (now + timedelta(minutes=minutes)).isoformat()
    expect(facts.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "42")
    expect(facts.locator(".forecast")).to_contain_text(re.compile(r"42 %\s*about [12] min \d+ s left"))
    ahead["eta_at"] = (now - timedelta(seconds=90)).isoformat()
    expect(facts.locator(".forecast")).to_contain_text(re.compile(r"42 %.*longer", re.DOTALL))
    page.unroute_all(behavior="ignoreErrors")
    api("POST", f"/executions/{ran}/cancel")


@pytest.mark.slow
def test_two_executions_are_compared(page: Page, api, failing):
    flow = failing("Compared", 1)
    first = whole(api, flow)["id"]
    canvas = api("GET", f"/flows/{flow}/data")
    for node in canvas["nodes"]:
        if node["id"] == "bad":
            node["data"]["config"] = {"code": "return row"}
    api("PUT", f"/flows/{flow}/data", {key: canvas[key] for key in ("nodes", "edges", "row_version")})
    second = whole(api, flow)["id"]
    page.goto(f"/executions/{second}?tab=compare&with={first}")
    table = page.get_by_role("region", name="Comparison")
    expect(page.get_by_text("The flow was changed in between.")).to_be_visible()
    row = table.get_by_role("row").filter(has=page.get_by_role("button", name="Bad"))
    expect(row).to_contain_text("settings changed")
    expect(row.get_by_role("img", name="Failed")).to_be_visible()
    expect(row.get_by_role("img", name="Succeeded")).to_be_visible()
    row.get_by_role("button", name="Bad").click()
    expect(page.get_by_role("region", name="Rows of Bad")).to_be_visible()


@pytest.mark.slow
def test_its_data_is_pinned_and_opened_in_the_editor(page: Page, api, failing):
    flow = failing("Taken over", 1)
    ran = whole(api, flow)["id"]
    page.goto(f"/executions/{ran}")
    page.get_by_role("button", name="Open with this data").click()
    dialog = page.get_by_role("dialog", name="Open with this data")
    expect(dialog.get_by_role("checkbox", name="Pause")).to_be_checked()
    expect(dialog.get_by_role("checkbox", name="Read")).not_to_be_checked()
    dialog.get_by_role("checkbox", name="Read").check()
    dialog.get_by_role("button", name="Pin 2 steps and open").click()
    expect(page.get_by_role("complementary", name="Settings of Bad")).to_be_visible()
    assert api("GET", f"/flows/{flow}/nodes/read/preview")["pinned"]
    assert api("GET", f"/flows/{flow}/nodes/pause/preview")["pinned"]
