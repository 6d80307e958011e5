"""What the first page costs: bytes on the line, and the time until it can be used; each time in a new session."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.slow
ROUNDS = 5
LIMITS = {"script": 130_000, "style": 16_000, "font": 52_000, "all": 220_000}
"""Bytes as they come over the line, headers included; the budgets of the built files are in `test_ui_budgets.py`."""
READY_MS = 8_000
QUIET_MS = 1_000
LONG_TASKS = """() => {
  window.longTasks = []
  const note = (list) => list.getEntries().forEach((one) => window.longTasks.push(one.startTime + one.duration))
  new PerformanceObserver(note).observe({ type: 'longtask', buffered: true })
}"""
MARKS = """() => ({
  paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
  shown: performance.getEntriesByName('shown')[0]?.startTime ?? 0, long: window.longTasks,
})"""
SHOWN = """() => new MutationObserver((_, self) => {
  if (!document.querySelector('.board')) return
  performance.mark('shown')
  self.disconnect()
}).observe(document, { subtree: true, childList: true })"""


def transferred(page: Page) -> dict[str, int]:
    """Counts bytes by kind while the page loads; to be called before."""
    line, kinds, sums = page.context.new_cdp_session(page), {}, {"all": 0}
    line.send("Network.enable")
    line.on("Network.responseReceived", lambda said: kinds.update({said["requestId"]: said["type"].lower()}))

    def ended(said: Any) -> None:
        kind = kinds.get(said["requestId"], "other")
        kind = "style" if kind == "stylesheet" else kind
        sums[kind] = sums.get(kind, 0) + said["encodedDataLength"]
        sums["all"] += said["encodedDataLength"]

    line.on("Network.loadingFinished", ended)
    return sums


def test_the_first_page_is_light_and_soon_usable(browser: Browser, stack, account, watch, api, figure):
    api.flow("Their own", [])  # whoever has none is shown starters, which load after the page
    paints, ready, weights = [], [], []
    for _ in range(ROUNDS):
        with watch(browser, stack.url, storage_state=account) as page:
            page.add_init_script(f"({LONG_TASKS})(); ({SHOWN})()")
            weights.append(transferred(page))
            page.goto("/dashboard")
            expect(page.locator(".board")).to_be_visible()
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(QUIET_MS)
            marks = page.evaluate(MARKS)
            paints.append(marks["paint"])
            ready.append(max([marks["shown"], *(end for end in marks["long"] if end < marks["shown"] + QUIET_MS)]))
    figure("browser.first_paint", paints, title="First page: first paint", unit="ms", size="dashboard, empty cache")
    figure("browser.usable", ready, title="First page: shown, and no long task any more", unit="ms",
           size="dashboard, empty cache")  # fmt: skip
    for kind, limit in LIMITS.items():
        found = [one.get(kind, 0) for one in weights]
        figure(f"browser.transfer_{kind}", [one / 1_000 for one in found], title=f"First page over the line: {kind}",
               unit="KB", size=f"gzip, limit {limit / 1_000:g} KB")  # fmt: skip
        assert 0 < max(found) <= limit, kind
    assert sorted(ready)[ROUNDS // 2] < READY_MS
