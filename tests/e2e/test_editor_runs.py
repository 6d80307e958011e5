"""A run in the editor: states in their order, rows on wires, stopping, the log held, many events; and large forms."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.cpu import stopwatch

pytestmark = pytest.mark.slow
SEEN = """() => {
  window.statesSeen = {}
  const look = () => document.querySelectorAll('[data-testid^="step-"]').forEach((step) => {
    const list = (window.statesSeen[step.dataset.testid] ||= [])
    if (step.dataset.status && list.at(-1) !== step.dataset.status) list.push(step.dataset.status)
  })
  new MutationObserver(look).observe(document.querySelector('.react-flow'),
    { subtree: true, childList: true, attributes: true, attributeFilter: ['data-status'] })
}"""
ORDER = ["pending", "queued", "running", "parked", "waiting", "completed"]
LINES = """(() => {
  const Real = WebSocket
  window.WebSocket = class extends Real { constructor(...given) { super(...given); window.theLine = this } }
})()"""
EVENTS = """([execution, steps, seconds]) => new Promise((done) => {
  const gaps = []
  const states = ['running', 'completed', 'queued']
  let sent = 0, last = performance.now()
  const began = last
  const tick = (now) => {
    gaps.push(now - last)
    last = now
    if (now - began < seconds * 1000) requestAnimationFrame(tick)
  }
  requestAnimationFrame(tick)
  const timer = setInterval(() => {
    const wanted = Math.min(seconds, (performance.now() - began) / 1000) * 1000
    for (; sent < wanted; sent += 1) {
      const data = { node_id: `s${sent % steps}`, status: states[sent % 3], rows_out: sent, duration_ms: 5 }
      const event = { op: 'event', channel: `execution:${execution}`, type: 'node_update', data }
      window.theLine.onmessage({ data: JSON.stringify(event) })
    }
    if (performance.now() - began > seconds * 1000) { clearInterval(timer); done({ sent, gaps: gaps.slice(1) }) }
  }, 20)
})"""
MANY, FIELDS = 200, 120
FRAME_MS, SHOWN_MS = 50, 150
"""Of processor time, so that they hold on a busy machine too; what is seen there is printed."""
LATE_MS = 3_000


@pytest.fixture
def waiting(api, steps, request) -> str:
    """Read, wait for a minute, and the first rows."""
    nodes = [
        steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
        steps("pause", "control.wait", 280, seconds=60),
        steps("few", "transform.limit", 560, rows=3),
    ]
    return str(api.flow(request.node.name, nodes, [("read.out", "pause.in"), ("pause.out", "few.in")]))


def start(page: Page) -> str:
    with page.expect_response(lambda answer: answer.url.endswith("/execute")) as answer:
        page.get_by_role("button", name="Run", exact=True).click()
    return str(answer.value.json()["data"]["id"])


def test_states_come_in_their_order_and_wires_carry_their_rows(page: Page, api, run):
    page.goto(f"/flows/{api.demo()}")
    expect(page.get_by_test_id("step-table")).to_be_visible()
    page.evaluate(SEEN)
    run(page)
    expect(page.get_by_test_id("step-table")).to_have_attribute("data-status", "completed")
    seen: dict[str, list[str]] = page.evaluate("window.statesSeen")
    assert len(seen) > 3
    for step, states in seen.items():
        fresh = states[states.index("completed") + 1 :] if states[:1] == ["completed"] else states
        places = [ORDER.index(state) for state in fresh]
        assert places == sorted(places), f"{step} went {states}"
        assert fresh[-1:] == ["completed"]
    counts = page.locator(".wire-count")
    expect(counts.first).to_be_visible()
    assert all(re.search(r"\d", text) for text in counts.all_text_contents())


def test_a_run_is_stopped_from_the_editor(page: Page, api, waiting):
    page.goto(f"/flows/{waiting}")
    expect(page.get_by_test_id("step-pause")).to_be_visible()
    ran = start(page)
    expect(page.get_by_test_id("step-pause")).to_have_attribute(
        "data-status", re.compile("parked|waiting"), timeout=60_000
    )
    page.get_by_role("button", name="Stop", exact=True).click()
    badge = page.locator(f'.dock[data-execution="{ran}"] .badge[data-state]')
    expect(badge).to_have_attribute("data-state", "cancelled", timeout=60_000)
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
    assert api("GET", f"/executions/{ran}")["status"] == "cancelled"


def line(number: int) -> dict[str, Any]:
    return {
        "id": number, "execution_id": "x", "node_id": "read", "segment_no": 0, "attempt": 1, "level": "info",
        "message": f"line {number}", "metadata": {}, "created_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def test_the_log_is_held_and_followed_again(page: Page, api, waiting):
    coming: list[int] = []

    def stored(route: Route) -> None:
        route.fulfill(json={"success": True, "data": [line(n) for n in range(1, 81)], "meta": {}})

    def stream(route: Route) -> None:
        said = "".join(f"event: log\ndata: {json.dumps(line(n))}\n\n" for n in coming)
        coming.clear()
        route.fulfill(body=f"retry: 300\n\n{said}", content_type="text/event-stream")

    page.route("**/logs?*", stored)
    page.route("**/logs/stream?*", stream)
    page.goto(f"/flows/{waiting}")
    expect(page.get_by_test_id("step-pause")).to_be_visible()
    ran = start(page)
    page.get_by_role("tab", name="Logs").click()
    log = page.get_by_role("log")
    expect(log.get_by_text("line 80", exact=True)).to_be_in_viewport()
    page.get_by_role("button", name="Pause").click()
    coming.extend(range(81, 101))
    follow = page.get_by_role("button", name=re.compile(r"\b20\b"))
    expect(follow).to_be_visible()
    expect(log.get_by_text("line 80", exact=True)).to_be_in_viewport()
    expect(log.get_by_text("line 100", exact=True)).not_to_be_in_viewport()
    follow.click()
    expect(log.get_by_text("line 100", exact=True)).to_be_in_viewport()
    api("POST", f"/executions/{ran}/cancel")


def test_a_thousand_events_a_second_leave_the_page_fluid(page: Page, api, steps, figure):
    wait = steps("wait", "control.wait", -280, seconds=300)
    nodes = [wait, *(steps(f"s{n}", "transform.union", (n % 20) * 280, (n // 20) * 110) for n in range(MANY))]
    edges = [("wait.out", "s0.in")] + [(f"s{n - 1}.out", f"s{n}.in") for n in range(1, MANY)]
    flow = api.flow("Many events", nodes, edges)
    page.context.add_init_script(LINES)
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-s0")).to_be_visible()
    ran = start(page)
    expect(page.get_by_test_id("step-wait")).to_have_attribute(
        "data-status", re.compile("parked|waiting"), timeout=60_000
    )
    spent = stopwatch(page)
    took: dict[str, Any] = page.evaluate(EVENTS, [ran, MANY, 10])
    worked = spent() / len(took["gaps"])
    gaps = sorted(took["gaps"])
    slow = gaps[int(len(gaps) * 0.95)]
    figure("browser.events_frame_p95", [slow], title="A frame while 1,000 events a second arrive, p95", unit="ms",
           size=f"{MANY} steps, {took['sent']:,} events in 10 s; median {gaps[len(gaps) // 2]:.0f} ms")  # fmt: skip
    figure("browser.events_frame_cpu", [worked], title="Work for a frame while 1,000 events a second arrive", unit="ms",
           size=f"processor time of {len(gaps)} frames")  # fmt: skip
    assert took["sent"] >= 9_000
    assert worked < FRAME_MS
    assert slow < LATE_MS
    api("POST", f"/executions/{ran}/cancel")


def test_a_hundred_and_twenty_fields_show_at_once(page: Page, api, steps, figure):
    def types(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        fields = {
            f"f{n}": {"title": f"Field {n}", "type": ["string", "integer", "boolean"][n % 3]} for n in range(FIELDS)
        }
        for one in body["data"]:
            if one["id"] == "transform.filter":
                one["schema"] = {"type": "object", "properties": fields}
        route.fulfill(response=answer, json=body)

    page.route(re.compile(r"/api/v1/node-types/?$"), types)
    flow = api.flow("Many fields", [steps("a", "transform.filter", 0, f0="x"), steps("b", "transform.distinct", 280)])
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-b").click()
    expect(page.get_by_role("complementary", name="Settings of B")).to_be_visible()
    spent = stopwatch(page)
    took = page.evaluate(
        """(count) => new Promise((done) => {
      const began = performance.now()
      const all = () => document.querySelectorAll('.settings .field').length >= count
      const look = () => (all() ? done(performance.now() - began) : requestAnimationFrame(look))
      const step = document.querySelector('[data-testid=step-a]')
      step.dispatchEvent(new MouseEvent('click', { bubbles: true }))
      look()
    })""",
        FIELDS,
    )
    worked = spent()
    figure("browser.form_120", [took], title="A form of 120 fields shown", unit="ms")
    figure("browser.form_120_cpu", [worked], title="Work for a form of 120 fields", unit="ms", size="processor time")
    assert worked < SHOWN_MS


def test_choices_of_a_field_load_fail_are_asked_again_and_follow_what_they_depend_on(page: Page, api, steps):
    page.expected.append("the server responded with a status of 400")  # type: ignore[attr-defined]
    asked: list[dict[str, Any]] = []
    answers = [False, True, True]

    def options(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        if body["field"] != "stream":
            route.fallback()
            return
        asked.append(body["config"])
        if not (answers.pop(0) if answers else True):
            error = {"code": "BAD", "message": "the other side is asleep", "details": {}}
            route.fulfill(status=400, json={"error": error})
            return
        found = [{"value": f"{body['config']['connection']}.csv", "label": "x", "hint": ""}]
        route.fulfill(json={"data": {"options": found}})

    page.route("**/node-types/*/options", options)
    read = steps("read", "local_files.read", 0, connection="Flight data", stream="")
    page.goto(f"/flows/{api.flow('Choices', [read])}")
    page.get_by_test_id("step-read").click()
    side = page.get_by_role("complementary", name="Settings of Read")
    expect(side.get_by_text("the other side is asleep")).to_be_visible()
    side.get_by_role("button", name="Try again").click()
    expect(side.get_by_text("the other side is asleep")).to_have_count(0)
    stream = side.get_by_role("combobox", name="Stream")
    expect(stream.locator("xpath=following-sibling::datalist/option")).to_have_attribute("value", "Flight data.csv")
    assert [one["connection"] for one in asked] == ["Flight data", "Flight data"]
    side.get_by_label("Connection").select_option("")
    expect(stream.locator("xpath=following-sibling::datalist/option")).to_have_count(0)


def test_a_failure_says_what_and_where_and_its_log_has_the_words_of_the_engine(page: Page, api, steps, run):
    nodes = [
        steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
        steps("bad", "transform.derive", 280, columns=[{"name": "n", "expression": "cast(name AS integer)"}]),
    ]
    flow = api.flow("Has a trace", nodes, [("read.out", "bad.in")])
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-bad")).to_be_visible()
    run(page, state="failed")
    expect(page.get_by_test_id("step-bad")).to_have_attribute("data-status", "failed")
    page.get_by_test_id("step-bad").click()
    said = page.get_by_role("complementary", name="Settings of Bad").get_by_role("alert").first
    expect(said).to_be_visible()
    message = said.inner_text().splitlines()[0]
    page.get_by_role("tab", name="Logs").click()
    line = page.get_by_role("log").get_by_role("listitem").filter(has_text=message[:40]).first
    line.get_by_role("button", name="Details").click()
    whole = page.get_by_role("dialog", name="Details")
    expect(whole.get_by_role("region", name="Details")).to_contain_text("conversion from `str` to `i64` failed")
    page.keyboard.press("Escape")
    expect(whole).to_be_hidden()
