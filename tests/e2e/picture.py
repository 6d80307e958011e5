"""How a page looked when its test ended: kept in `artifacts/pictures` where `HEADRACE_PICTURES` or `CI` is set."""

from __future__ import annotations

import os
import re
from collections import Counter
from contextlib import suppress

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from tests.trust.figures import ROOT

FOLDER = ROOT / "artifacts" / "pictures"
_taken: Counter[str] = Counter()


def wanted() -> bool:
    """Whether pictures are kept."""
    return any(os.environ.get(name, "0") not in {"", "0"} for name in ("HEADRACE_PICTURES", "CI"))


def take(page: Page) -> None:
    """Keep the page under its test's name; each further page of the test gets a number."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" (")[0].rpartition("/")[2].replace(".py", "")
    name = re.sub(r"[^a-z0-9]+", "-", test.lower()).strip("-")
    if not wanted() or not name or page.url == "about:blank":
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    _taken[name] += 1
    number = f"-{_taken[name]}" * (_taken[name] > 1)
    with suppress(PlaywrightError):
        page.screenshot(path=FOLDER / f"{name}{number}.png")
