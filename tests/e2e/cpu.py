"""Processor time of a page's main thread: a busy machine makes what is seen late, but hardly this longer."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

PARTS = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")


def stopwatch(page: Page) -> Callable[[], float]:
    """Begins to count; the answer tells the milliseconds since then that scripts, style and layout took."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        told = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return 1_000 * sum(told[part] for part in PARTS)

    began = spent()
    return lambda: spent() - began
