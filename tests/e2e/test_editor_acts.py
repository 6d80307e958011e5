"""Each act of the editor is one entry of its history; the outline, the view, and steps and plugins that are odd."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.slow
DOC = """(key) => { const kept = JSON.parse(sessionStorage.getItem(key) ?? '{}'); return [kept.nodes, kept.edges] }"""
IS = """([key, wanted]) => {
  const kept = JSON.parse(sessionStorage.getItem(key) ?? '{}')
  return JSON.stringify([kept.nodes, kept.edges]) === JSON.stringify(wanted)
}"""
IS_NOT = f"(given) => !({IS})(given)"
VIEW = "() => document.querySelector('.react-flow__viewport').style.transform"


@pytest.fixture
def flow(api, steps, request) -> str:
    """Three in a row, one aside with a free input."""
    nodes = [
        steps("a", "transform.filter", 0, where="x = 1"),
        steps("b", "transform.distinct", 280),
        steps("c", "transform.limit", 560, rows=3),
        steps("j", "transform.union", 280, 260),
    ]
    return str(api.flow(request.node.name, nodes, [("a.out", "b.in"), ("b.out", "c.in")]))


class Editor:
    """The page with the document as its draft keeps it."""

    def __init__(self, page: Page, flow: str) -> None:
        self.page, self.key = page, f"headrace.draft.{flow}"

    def doc(self) -> list[Any]:
        return list(self.page.evaluate(DOC, self.key))

    def is_now(self, wanted: list[Any]) -> None:
        self.page.wait_for_function(IS, arg=[self.key, wanted])

    def changed(self, before: list[Any]) -> list[Any]:
        self.page.wait_for_function(IS_NOT, arg=[self.key, before])
        self.page.wait_for_timeout(1_200)  # no burst of the next act joins this one
        return self.doc()

    def choose(self, step: str, *more: str) -> None:
        self.page.keyboard.press("Escape")
        self.page.get_by_role("button", name="Fit", exact=True).click()  # a new step brings the view to itself
        self.page.get_by_test_id(f"step-{step}").click()
        for one in more:
            self.page.get_by_test_id(f"step-{one}").click(modifiers=["Control"])

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def add(self) -> None:
        self.page.get_by_role("button", name="Add a step").first.click()
        self.page.keyboard.type("fill")
        self.press("Enter")

    def connect(self) -> None:
        self.choose("c")
        self.press("c")
        self.page.keyboard.type("j")
        self.press("Enter")

    def drag(self) -> None:
        box = self.page.get_by_test_id("step-c").bounding_box()
        assert box
        x, y = box["x"] + 70, box["y"] + 25
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + 60, y + 80, steps=8)
        self.page.mouse.up()

    def rename(self) -> None:
        self.page.get_by_test_id("step-b").dblclick()
        expect(self.page.get_by_role("textbox", name="Name of the step")).to_be_focused()
        self.page.keyboard.type("Each only once", delay=30)

    def setting(self) -> None:
        self.choose("a")
        self.page.get_by_role("textbox", name="Condition").press_sequentially(" AND y = 2", delay=30)

    def chosen(self, *keys: str, of: tuple[str, ...] = ("b",)) -> Callable[[], None]:
        def act() -> None:
            self.choose(of[0], *of[1:])
            self.press(*keys)

        return act


def test_each_act_is_one_entry_and_goes_back_and_forth(open_page, flow):
    page: Page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/flows/{flow}")
    on = Editor(page, flow)
    acts: dict[str, Callable[[], None]] = {
        "move by key": on.chosen("ArrowDown", of=("c",)),
        "add": on.add,
        "connect": on.connect,
        "delete": on.chosen("Delete"),
        "drag": on.drag,
        "rename": on.rename,
        "setting": on.setting,
        "disable": on.chosen("d"),
        "duplicate": on.chosen("Control+d"),
        "cut": on.chosen("Control+x", of=("a", "b")),
        "paste": on.chosen("Control+c", "Control+v"),
        "group": on.chosen("g", of=("a", "b")),
        "note": lambda: page.get_by_role("button", name="Add a note").click(),
        "tidy": lambda: page.get_by_role("button", name="Tidy up").click(),
    }
    acts["move by key"]()
    page.wait_for_function(f"(key) => Boolean(({DOC})(key)[0])", arg=on.key)
    before = on.changed([])
    undo, redo = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Redo")
    for name, act in acts.items():
        act()
        after = on.changed(before)
        assert after != before, name
        page.keyboard.press("Escape")
        undo.click()
        on.is_now(before)
        redo.click()
        on.is_now(after)
        undo.click()
        on.is_now(before)


def test_the_outline_edits_the_same_document(page: Page, api, flow):
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-a")).to_be_visible()
    page.keyboard.press("o")
    steps = page.get_by_role("list", name="Steps")
    expect(steps.get_by_role("listitem")).to_have_count(4)
    steps.get_by_role("button").filter(has_text="B").first.click()
    page.get_by_role("textbox", name="Name of the step").fill("Once")
    steps.get_by_role("button", name="Once after A").focus()
    for name in ("J", "C"):
        page.keyboard.press("ArrowDown")
        expect(steps.get_by_role("button", pressed=True)).to_contain_text(name)
    page.keyboard.press("Delete")
    expect(steps.get_by_role("listitem")).to_have_count(3)
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert {node["data"]["label"] for node in api("GET", f"/flows/{flow}/data")["nodes"]} == {"A", "Once", "J"}
    page.get_by_role("radio", name="Canvas").check(force=True)
    expect(page.get_by_test_id("step-b")).to_contain_text("Once")
    expect(page.locator(".react-flow__edge")).to_have_count(1)


def test_the_view_is_zoomed_and_moved_by_wheel_keys_and_touch(open_page, flow):
    page: Page = open_page(has_touch=True)
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-a")).to_be_visible()
    page.wait_for_timeout(400)

    def moved(act: Callable[[], None]) -> tuple[list[float], list[float]]:
        was = page.evaluate(VIEW)
        act()
        page.wait_for_function(f"(was) => ({VIEW})() !== was", arg=was)
        page.wait_for_timeout(400)
        before, after = ([float(one) for one in re.findall(r"-?[\d.]+", view)] for view in (was, page.evaluate(VIEW)))
        return before, after

    page.mouse.move(600, 400)
    before, after = moved(lambda: page.mouse.wheel(0, 300))
    assert after[2] < before[2], "the wheel zooms out"
    before, after = moved(lambda: page.keyboard.press("+"))
    assert after[2] > before[2]
    before, after = moved(lambda: page.keyboard.press("0"))
    assert after[2] == 1
    before, after = moved(lambda: page.keyboard.press("1"))
    touch = page.context.new_cdp_session(page)

    def fingers(*ways: list[tuple[float, float]]) -> None:
        for at, kind in enumerate(["touchStart", *["touchMove"] * (len(ways[0]) - 2), "touchEnd"]):
            points = [] if kind == "touchEnd" else [{"x": way[at][0], "y": way[at][1]} for way in ways]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before, after = moved(lambda: fingers([(250 + 20 * n, 420 + 10 * n) for n in range(8)]))
    assert after[0] > before[0] + 50, "a finger moves the canvas"
    assert after[2] == before[2]
    before, after = moved(
        lambda: fingers([(560 - 12 * n, 390) for n in range(9)], [(620 + 12 * n, 390) for n in range(9)])
    )
    assert after[2] > before[2] * 1.2, "two fingers zoom"


def test_a_step_whose_plugin_is_gone_is_shown_and_kept_as_it_is(page: Page, api, steps):
    odd = steps("odd", "nowhere.magic", 280, deep={"list": [1, {"x": None}], "text": "as it was"})
    odd["data"]["nodeVersion"] = 7
    nodes = [steps("a", "transform.filter", 0, where="x = 1"), odd, steps("c", "transform.limit", 560, rows=3)]
    flow = api.flow("Plugin gone", nodes, [("a.strange", "odd.left"), ("odd.right", "c.in")])
    before = api("GET", f"/flows/{flow}/data")
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-odd")).to_contain_text("unknown: nowhere.magic")
    page.get_by_test_id("step-odd").click()
    side = page.get_by_role("complementary", name="Settings of Odd")
    expect(side).to_contain_text("The plugin of “nowhere.magic” is not installed. The step is kept as it is")
    page.get_by_test_id("step-c").click()
    page.get_by_role("textbox", name="Name of the step").fill("Few")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    after = api("GET", f"/flows/{flow}/data")
    assert after["row_version"] > before["row_version"]
    assert after["nodes"][1] == before["nodes"][1]
    assert after["edges"] == before["edges"]


def test_a_hostile_plugin_shows_text_and_runs_nothing(page: Page, api, steps):
    bad = "<img src=x onerror='window.hacked=1'>"

    def types(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        for one in body["data"]:
            if one["id"] == "transform.filter":
                field = {
                    "title": f"Where {bad}",
                    "type": "string",
                    "description": f"{bad} [x](javascript:window.hacked=1)",
                }
                one |= {
                    "title": f"Evil {bad}", "summary": f"<script>window.hacked=1</script> {bad}",
                    "docs": f"[click](javascript:window.hacked=1)\n\n{bad}\n\n<svg onload=window.hacked=1>",
                    "icon": "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.hacked=1'/>",
                    "schema": {"type": "object", "properties": {"where": field}},
                }  # fmt: skip
        route.fulfill(response=answer, json=body)

    page.route(re.compile(r"/api/v1/node-types/?$"), types)
    flow = api.flow(f"Evil {bad}", [steps("a", "transform.filter", 0, where=bad)])
    page.goto(f"/flows/{flow}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Evil {bad}")
    page.get_by_test_id("step-a").click()
    side = page.get_by_role("complementary", name="Settings of A")
    expect(side.get_by_text(f"Where {bad}")).to_be_visible()
    side.get_by_role("tab", name="Help").click()
    expect(side).to_contain_text("<script>window.hacked=1</script>")
    assert page.locator("a[href^='javascript']").count() == 0
    page.locator('.react-flow__node[data-id="a"]').focus()
    page.keyboard.press("/")
    page.keyboard.type("evil")
    expect(page.get_by_role("option").first).to_contain_text(f"Evil {bad}")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[onerror]").count() == 0


def test_a_flow_goes_out_as_text_and_comes_back_the_same(page: Page, api, flow, tmp_path: Path):
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-a")).to_be_visible()
    page.get_by_role("link", name="The flow as text").click()
    text = page.get_by_role("textbox", name="The flow as text")
    expect(text).to_have_value(re.compile("transform.limit"))
    file = tmp_path / "flow.yaml"
    file.write_text(text.input_value().replace("name: test_a_flow_goes", "name: Again test_a_flow_goes"))
    page.goto("/flows")
    page.get_by_role("button", name="Import").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("menuitem", name="From a file").click()
    chooser.value.set_files(str(file))
    expect(page.get_by_test_id("step-a")).to_be_visible()
    other = page.url.rpartition("/")[2]
    assert other != flow
    one, two = (api("GET", f"/flows/{id_}/data") for id_ in (flow, other))
    steps = [{node["id"]: node["data"] for node in canvas["nodes"]} for canvas in (one, two)]
    assert steps[0] == steps[1]
    wires = [
        sorted((e["source"], e["sourceHandle"], e["target"], e["targetHandle"]) for e in canvas["edges"])
        for canvas in (one, two)
    ]
    assert wires[0] == wires[1]
