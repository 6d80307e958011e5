"""Saving meets a reload, another flow, a lost answer: nothing is lost or mixed up."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.slow
KEPT = """([key, word]) => new Promise((done) => {
  const look = () => (sessionStorage.getItem(key)?.includes(word) ? done(true) : requestAnimationFrame(look))
  look()
})"""


@pytest.fixture
def two(api, steps, request) -> tuple[str, str]:
    """Two flows of one step each, `Here` and `There`."""
    name = request.node.name
    return tuple(
        api.flow(f"{name} {at}", [steps("a", "transform.filter", 0, where="x = 1")]) for at in ("here", "there")
    )  # type: ignore[return-value]


def rename(page: Page, name: str) -> None:
    page.get_by_test_id("step-a").click()
    page.get_by_role("textbox", name="Name of the step").fill(name)


def stored(api, flow: str) -> dict[str, Any]:
    return dict(api("GET", f"/flows/{flow}/data"))


def label(api, flow: str) -> str:
    return str(stored(api, flow)["nodes"][0]["data"]["label"])


def saved(page: Page) -> None:
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def leaves(page: Page) -> None:
    """Whoever is asked whether to leave says yes."""
    page.on("dialog", lambda dialog: dialog.accept())


class Held:
    """Saves that the server has done, but whose answers are kept back."""

    def __init__(self, page: Page, flow: str, *, lose: bool = False) -> None:
        self.page, self.flow, self.done, self.lose = page, flow, threading.Event(), lose
        self.waiting: list[tuple[Route, Any]] = []
        page.route(f"**/flows/{flow}/data", self._take)

    def _take(self, route: Route) -> None:
        if route.request.method != "PUT" or self.done.is_set():
            route.fallback()
            return
        self.done.set()
        answer = route.fetch()
        if self.lose:
            route.abort("connectionreset")
        else:
            self.waiting.append((route, answer))

    def until(self) -> None:
        """The server has stored it."""
        for _ in range(200):
            if self.done.is_set() and (self.lose or self.waiting):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("nothing was sent")

    def answer(self) -> None:
        for route, answer in self.waiting:
            route.fulfill(response=answer)


def test_a_reload_during_a_save_is_no_conflict_with_oneself(page: Page, api, two):
    flow, _ = two
    leaves(page)
    page.goto(f"/flows/{flow}")
    held = Held(page, flow)
    rename(page, "First")
    page.keyboard.press("Control+s")
    held.until()
    page.get_by_role("textbox", name="Name of the step").fill("Second")
    page.evaluate(KEPT, [f"headrace.draft.{flow}", "Second"])
    page.reload()
    expect(page.get_by_test_id("step-a")).to_contain_text("Second")
    page.keyboard.press("Control+s")
    saved(page)
    assert label(api, flow) == "Second"


def test_a_reload_right_after_a_save_shows_what_was_saved(page: Page, api, two):
    flow, _ = two
    leaves(page)
    page.goto(f"/flows/{flow}")
    held = Held(page, flow)
    rename(page, "Only once")
    page.keyboard.press("Control+s")
    held.until()
    page.reload()
    expect(page.get_by_test_id("step-a")).to_contain_text("Only once")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert label(api, flow) == "Only once"


def test_a_save_whose_answer_is_lost_is_saved_again_without_a_question(page: Page, api, two):
    flow, _ = two
    page.expected.append("net::ERR_CONNECTION_RESET")  # type: ignore[attr-defined]
    page.expected.append("the server responded with a status of 4")  # type: ignore[attr-defined]
    page.goto(f"/flows/{flow}")
    held = Held(page, flow, lose=True)
    rename(page, "Sent")
    page.keyboard.press("Control+s")
    held.until()
    expect(page.get_by_text("Unsaved", exact=True)).to_be_visible()
    page.get_by_role("textbox", name="Name of the step").fill("Sent again")
    page.keyboard.press("Control+s")
    saved(page)
    assert label(api, flow) == "Sent again"


def test_another_flow_is_opened_while_one_is_saved(page: Page, api, two):
    here, there = two
    page.goto(f"/flows/{here}")
    held = Held(page, here)
    rename(page, "Of here")
    page.keyboard.press("Control+s")
    held.until()
    before = stored(api, there)["row_version"]
    page.get_by_role("textbox", name="Name of the step").fill("Of here, later")
    page.evaluate(
        "path => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')) }",
        f"/flows/{there}",
    )
    expect(page.get_by_test_id("step-a")).to_contain_text("A")
    rename(page, "Of there")
    held.answer()
    page.keyboard.press("Control+s")
    saved(page)
    assert label(api, there) == "Of there"
    assert stored(api, there)["row_version"] == before + 1, "its own version, not that of the other flow"
    page.go_back()
    expect(page.get_by_test_id("step-a")).to_contain_text("Of here, later")
    page.keyboard.press("Control+s")
    saved(page)
    assert label(api, here) == "Of here, later"
