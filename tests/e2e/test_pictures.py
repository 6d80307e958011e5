"""A picture of every page: wide and narrow, light (in English) and dark (in German), for a person to look at.

The pages are found as a person finds them, by the navigation and its tabs; those of one thing are named here.
`python -m tests.e2e pictures` leaves them in `artifacts/pictures/pages`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.install import Stack
from tests.e2e.pages import ENTRANCE, SIDEWAYS, SIZES, found, go, kind
from tests.trust.figures import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
FOLDER = ROOT / "artifacts" / "pictures" / "pages"
LANGUAGES = {"light": "en", "dark": "de"}
TEXTS = ROOT / "web/ui/src/text/en"
KEYS = {f"{path.stem}.{key}" for path in TEXTS.rglob("*.json") for key in json.loads(path.read_text())}
"""What a text without its word looks like."""


@pytest.mark.parametrize("scheme", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
def test_every_page_has_its_picture(open_page, stack: Stack, details, size: str, scheme: str):
    language = LANGUAGES[scheme]
    options = {"viewport": SIZES[size], "color_scheme": scheme, "locale": language}
    page: Page = open_page(**options)
    page.add_init_script(f"localStorage.setItem('headrace.language', '{language}')")
    folder = FOLDER / f"{size}-{scheme}"
    wrong = []
    for at in chain(found(page, size), details):
        go(page, at)
        wrong += [f"{at}: {said}" for said in troubles(page)]
        take(page, folder, at, stack)
    stranger: Page = open_page(**options, storage_state=None)
    for at in ENTRANCE:
        stranger.goto(at)
        expect(stranger.get_by_role("heading", level=1)).to_be_visible()
        take(stranger, folder, at, stack)
    print(f"\n{len(list(folder.glob('*.png')))} pictures in {folder.relative_to(ROOT)}")
    assert wrong == []


def troubles(page: Page) -> Iterator[str]:
    """What a machine can see: pages that scroll sideways, and words that are keys."""
    if page.evaluate(SIDEWAYS) > 0:
        yield "scrolls sideways"
    if keys := KEYS & {line.strip() for line in page.locator("body").inner_text().splitlines()}:
        yield f"has keys for words: {sorted(keys)}"


def take(page: Page, folder, at: str, stack: Stack) -> None:
    """Keep it, under its address with what is the run's own taken out."""
    name = kind(at.removeprefix(stack.url)).strip("/") or "start"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png", full_page=True)
