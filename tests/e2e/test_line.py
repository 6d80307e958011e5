"""A cut line resumes where it was; two people who save the same flow lose nothing."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

pytestmark = pytest.mark.slow
CUT = """() => {
  const look = () => { window.wasCut ||= document.querySelector('.line').textContent.includes('reconnecting') }
  new MutationObserver(look).observe(document.querySelector('.line'), { subtree: true, childList: true })
}"""


def test_a_cut_line_comes_back_and_goes_on_after_the_last_event(page: Page, api, run):
    asked: list[dict] = []
    heard: list[int] = []

    def between(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        first = not asked

        def up(text: str | bytes) -> None:
            said = json.loads(text)
            if said["op"] == "subscribe" and said["channel"].startswith("execution:"):
                asked.append(said)
            server.send(text)

        def down(text: str | bytes) -> None:
            said = json.loads(text)
            if first and len(heard) >= 3:
                return
            line.send(text)
            if said["op"] == "event" and "seq" in said:
                heard.append(said["seq"])
                if first and len(heard) == 3:
                    line.close(code=1011, reason="cut by the test")
                    server.close()

        line.on_message(up)
        server.on_message(down)

    page.route_web_socket("**/ws", between)
    flow = api.demo()
    page.goto(f"/flows/{flow}")
    page.evaluate(CUT)
    run(page)
    assert page.evaluate("window.wasCut"), "the page says that the line is cut"
    expect(page.get_by_test_id("step-table")).to_have_attribute("data-status", "completed")
    assert len(asked) == 2
    assert asked[0]["after"] == 0
    assert asked[1]["after"] == heard[2], "the second subscription goes on after the last event that was heard"
    assert heard == list(range(1, len(heard) + 1)), "no event is lost and none comes twice"
    expect(page.get_by_text("The live line is cut; reconnecting…")).to_be_hidden()


def conflict(page: Page, api, steps, name: str) -> str:
    flow = api.flow(name, [steps("a", "transform.filter", 0, where="x = 1")])
    page.expected.append("the server responded with a status of 4")
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-a").click()
    page.get_by_role("textbox", name="Name of the step").fill("Mine")
    theirs = api("GET", f"/flows/{flow}/data")
    theirs["nodes"][0]["data"]["label"] = "Theirs"
    api("PUT", f"/flows/{flow}/data", {"nodes": theirs["nodes"], "edges": [], "row_version": theirs["row_version"]})
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog", name="Somebody else saved this flow")).to_be_visible()
    return flow


def label(api, flow: str) -> str:
    return str(api("GET", f"/flows/{flow}/data")["nodes"][0]["data"]["label"])


def test_a_conflict_can_take_theirs(page: Page, api, steps):
    flow = conflict(page, api, steps, "Theirs wins")
    assert label(api, flow) == "Theirs", "nothing was overwritten"
    page.get_by_role("button", name="Reload theirs").click()
    expect(page.get_by_test_id("step-a")).to_contain_text("Theirs")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def test_a_conflict_can_save_mine_as_a_new_version_and_keeps_theirs(page: Page, api, steps):
    flow = conflict(page, api, steps, "Mine wins")
    page.get_by_role("button", name="Save both as a new version").click()
    expect(page.get_by_text("Saved as version 2; what was there is version 1.")).to_be_visible()
    assert label(api, flow) == "Mine"
    first, second = (api("GET", f"/flows/{flow}/versions/{number}")["definition"] for number in (1, 2))
    assert first["nodes"][0]["data"]["label"] == "Theirs"
    assert second["nodes"][0]["data"]["label"] == "Mine"


def test_a_conflict_can_be_left_open(page: Page, api, steps):
    flow = conflict(page, api, steps, "Nobody wins")
    page.get_by_role("button", name="Go on editing").click()
    expect(page.get_by_test_id("step-a")).to_contain_text("Mine")
    expect(page.get_by_text("Unsaved", exact=True)).to_be_visible()
    assert label(api, flow) == "Theirs"


def test_whoever_has_the_flow_open_too_is_seen(open_page, api, steps):
    flow = api.flow("Two windows", [steps("a", "transform.filter", 0, where="x = 1")])
    first, second = open_page(), open_page()
    seen = [page.get_by_role("img", name="Also open with: you, in another window") for page in (first, second)]
    first.goto(f"/flows/{flow}")
    expect(first.get_by_test_id("step-a")).to_be_visible()
    expect(seen[0]).to_have_count(0)
    second.goto(f"/flows/{flow}")
    expect(seen[1]).to_be_visible()
    expect(seen[0]).to_be_visible()
    second.goto("/flows")
    expect(seen[0]).to_have_count(0)


def test_a_page_that_breaks_says_so_and_the_frame_stays(page: Page):
    page.expected += ["analytics"]  # type: ignore[attr-defined]
    page.route("**/assets/analytics-*.js", lambda asked: asked.abort())
    page.goto("/dashboard")
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    main = page.get_by_role("navigation", name="Main")
    main.get_by_role("link", name="Analytics").click()
    expect(page.get_by_role("heading", name="This page broke")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("Load it again")
    main.get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    page.unroute("**/assets/analytics-*.js")
    main.get_by_role("link", name="Analytics").click()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Analytics", level=1)).to_be_visible()
