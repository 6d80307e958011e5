"""Somebody at the page: every click and every key goes through here and is counted."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct
from playwright.sync_api import Locator, Page, expect

MOST_TABS = 60
WHERE = """() => {
  const at = document.activeElement
  const words = /^(A|BUTTON|SUMMARY)$/.test(at?.tagName) ? at.textContent : ''
  return (at?.getAttribute('aria-label') || at?.labels?.[0]?.innerText || words || '').trim()
}"""


class Chapter(Struct, frozen=True):
    """What one part of the way took."""

    title: str
    clicks: int
    keys: int
    seconds: float


class Person:
    """Uses mouse and keyboard; `chapters` tells how much of both each part of the way took."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = self.keys = 0
        self.chapters: list[Chapter] = []

    @contextmanager
    def chapter(self, title: str, *, by_keyboard: bool = False) -> Iterator[None]:
        """Count what happens within; by the keyboard alone if so said."""
        clicks, keys, began = self.clicks, self.keys, time.monotonic()
        yield
        self.chapters.append(Chapter(title, self.clicks - clicks, self.keys - keys, time.monotonic() - began))
        assert not by_keyboard or self.clicks == clicks, f"'{title}' took a click"

    def click(self, what: Locator) -> None:
        """Once, with the left button."""
        what.click()
        self.clicks += 1

    def press(self, *keys: str) -> None:
        """One after the other; a key with Ctrl or Alt held counts as one."""
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def type(self, text: str) -> None:
        """Each character is a key."""
        self.page.keyboard.type(text)
        self.keys += len(text)

    def tab_to(self, name: str) -> None:
        """Walk with Tab until the focus is on what is called so."""
        wanted, seen = re.compile(rf"{re.escape(name)}\b"), []
        for _ in range(MOST_TABS):
            self.press("Tab")
            seen.append(self.page.evaluate(WHERE))
            if wanted.match(seen[-1]):
                return
        raise AssertionError(f"Tab does not reach '{name}'; it went {seen}")

    def add(self, key: str, words: str, title: str) -> None:
        """A step by the palette: its first answer is taken, and the new step has the focus."""
        self.press(key)
        expect(self.page.get_by_role("combobox")).to_be_focused()
        self.type(words)
        expect(self.page.get_by_role("option").first).to_contain_text(title)
        self.press("Enter")
        chosen = self.page.locator(".react-flow__node.selected")
        expect(chosen).to_be_focused()
        expect(chosen).to_contain_text(title)

    def open(self) -> None:
        """From the step into its settings."""
        self.press("Enter")
        expect(self.page.get_by_role("textbox", name="Name of the step")).to_be_focused()

    def fill(self, name: str, text: str) -> None:
        """From the step into its settings, along to a field, and back to the step."""
        self.open()
        self.tab_to(name)
        self.put(text)
        self.leave()

    def leave(self) -> None:
        """Out of the settings, back to the step; a list of suggestions takes the first Escape for itself."""
        self.press("Escape")
        if self.page.evaluate("/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)"):
            self.press("Escape")
        expect(self.page.locator(".react-flow__node.selected")).to_be_focused()

    def put(self, text: str) -> None:
        """In place of what the field with the focus holds; a list takes the choice that begins so."""
        if self.page.evaluate("document.activeElement.tagName") == "SELECT":
            offered = self.page.get_by_role("option", name=text)
            expect(offered.first).to_be_attached()
        else:
            self.press("Control+a")
        self.type(text)
