"""What holds for every page: everybody can use it, it fits, its words may be longer, no link of it leads nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.e2e.pages import ENTRANCE, LINKS, SIZES, found, go, kind

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800)]
SMALL = {"width": 320, "height": 640}
"""A phone held upright, and a screen of 1280 at a zoom of 400 %."""
ZOOMED = {"width": 720, "height": 450}
"""A screen of 1440 at a zoom of 200 %."""
GONE = re.compile("there is no such")
LOOKS = AXE_SCRIPT + Path(__file__).with_name("looks.js").read_text()
AXE = """(rules) => axe.run(document, { resultTypes: ['violations'], ...rules }).then(
  ({ violations }) => violations.map(({ id, impact, nodes }) =>
    `${id} (${impact}) at ${nodes.slice(0, 2).map((one) => one.html.slice(0, 130))}`))"""
RULES: dict[str, dict[str, list[str]]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
"""The other rules do not look at colours."""


def accessible(page: Page, where: str, rules: dict[str, list[str]]) -> Iterator[str]:
    yield from (f"{where}: {said}" for said in page.evaluate(AXE, rules))


def fits(page: Page, where: str) -> Iterator[str]:
    for said in page.evaluate("looks.cut()")[:3]:
        yield f"{where}: {said}"


def looked_at(page: Page) -> Iterator[str]:
    """All that is wrong with the open page, which stays open while the window and its colours change."""
    for size, scheme in (("wide", "dark"), ("narrow", "dark"), ("narrow", "light"), ("wide", "light")):
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(150)
        yield from accessible(page, f"{size} {scheme}", RULES[scheme])
        yield from fits(page, size)
    for name, size in (("zoom 200 %", ZOOMED), ("320 px", SMALL)):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.wait_for_timeout(150)
        yield from fits(page, name)
    page.set_viewport_size(SIZES["wide"])
    page.emulate_media(reduced_motion="reduce")
    yield from page.evaluate("looks.moving()")[:2]
    page.emulate_media(reduced_motion="no-preference", forced_colors="active")
    yield from (f"forced colours: {one}" for one in page.evaluate("looks.alike()")[:3])
    page.emulate_media(forced_colors="none", media="print")
    yield from (f"on paper: {one}" for one in page.evaluate("looks.onPaper()"))
    page.emulate_media(media="screen")
    page.evaluate("looks.longer()")
    for size in SIZES:
        page.set_viewport_size(SIZES[size])
        page.wait_for_timeout(150)
        yield from fits(page, f"longer words, {size}")
    page.evaluate("document.documentElement.dir = 'rtl'")
    yield from fits(page, "from right to left, narrow")
    page.set_viewport_size(SIZES["wide"])
    page.wait_for_timeout(150)
    yield from fits(page, "from right to left, wide")


def test_every_page_is_for_everybody_and_leads_on(page: Page, details: list[str]) -> None:
    page.add_init_script(LOOKS)
    wrong: list[str] = []
    seen: set[str] = set()
    links: dict[str, list[str]] = {}
    for at in chain(found(page, "wide"), details):
        if kind(at) in seen:
            continue
        go(page, at)
        seen.add(kind(at))
        for one in page.evaluate(LINKS, "main a[href^='/']"):
            links.setdefault(re.sub(r"(?<=\w)/[^/?]+$", "/*", one.partition("?")[0]), []).append(one)
        wrong += [f"{kind(at)}: {said}" for said in looked_at(page)]
    for at in {one for alike in links.values() for one in (alike[0], alike[-1])} - seen:
        if at.startswith("/api/"):
            continue
        go(page, at)
        if page.locator("main .empty h2", has_text="There is nothing here").count() or page.get_by_text(GONE).count():
            wrong.append(f"{at} is linked to and leads nowhere")
    assert wrong == []


def test_the_pages_before_the_sign_in_are_for_everybody(open_page) -> None:
    page: Page = open_page(storage_state=None)
    page.add_init_script(LOOKS)
    wrong: list[str] = []
    for at in ENTRANCE:
        page.goto(at)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        wrong += [f"{at}: {said}" for said in looked_at(page)]
    assert wrong == []
