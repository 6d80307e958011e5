"""Large flows: how long they take to open, and how many frames a second there are while a step is dragged."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

DRAGS = 60
OPEN_S = {1_000: 20, 10_000: 90}
FRAME_MS = {1_000: 250, 10_000: 1_500}
"""Limits that hold on a busy machine; the figures are printed."""
START = """() => {
  const taken = { on: true, gaps: [], last: performance.now() }
  window.framesTaken = taken
  const tick = (now) => {
    taken.gaps.push(now - taken.last)
    taken.last = now
    if (taken.on) requestAnimationFrame(tick)
  }
  requestAnimationFrame(tick)
}"""
STOP = "() => { window.framesTaken.on = false; return window.framesTaken.gaps.slice(1) }"


@pytest.fixture
def large(api, steps) -> Callable[[int], str]:
    """A flow of so many steps, each fed by one before it."""

    def make(count: int) -> str:
        across = 50 if count > 1_000 else 25
        nodes = [steps(f"s{n}", "transform.union", (n % across) * 280, (n // across) * 110) for n in range(count)]
        edges = [(f"s{n - 1}.out", f"s{n}.in") for n in range(1, count) if n % across]
        return str(api.flow(f"Large {count}", nodes, edges))

    return make


def measure(page: Page, flow: str, count: int, figure: Callable[..., None]) -> None:
    began = time.perf_counter()
    page.goto(f"/flows/{flow}")
    step = page.get_by_test_id("step-s0")
    expect(step).to_be_visible(timeout=OPEN_S[count] * 1_000)
    opened = time.perf_counter() - began
    assert page.locator(".react-flow__node").count() < count / 2, "steps out of view are not on the page"
    box = step.bounding_box()
    assert box
    x, y = box["x"] + 90, box["y"] + 28
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10, y + 10, steps=3)
    page.evaluate(START)
    page.mouse.move(x + 200, y + 220, steps=DRAGS)
    gaps = sorted(page.evaluate(STOP))
    page.mouse.up()
    median, slow = gaps[len(gaps) // 2], gaps[int(len(gaps) * 0.95)]
    size = f"{count:,} steps; median frame {median:.0f} ms, p95 {slow:.0f} ms"
    figure(
        f"browser.open_{count}", [opened], title=f"A flow of {count:,} steps opened", unit="s", size=f"{count:,} steps"
    )
    figure(f"browser.drag_{count}", [1000 * len(gaps) / sum(gaps)], title=f"Dragging a step among {count:,}",
           unit="frames/s", size=size)  # fmt: skip
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    assert opened < OPEN_S[count]
    assert median < FRAME_MS[count]


@pytest.mark.slow
def test_a_thousand_steps_open_and_are_dragged(page: Page, large, figure):
    measure(page, large(1_000), 1_000, figure)


@pytest.mark.slow
def test_ten_thousand_steps_open_and_are_dragged(page: Page, large, figure):
    page.set_default_timeout(120_000)
    measure(page, large(10_000), 10_000, figure)
