"""A picture of every page: wide and narrow, light (in English) and dark (in German), for a person to look at.

The pages are found as a person finds them, by the navigation and its tabs; those of one thing are named here.
`python -m tests.e2e pictures` leaves them in `artifacts/screenshots`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.install import Stack
from tests.trust.figures import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
FOLDER = ROOT / "artifacts" / "screenshots"
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}
LANGUAGES = {"light": "en", "dark": "de"}
SETTLED_MS = 350
LINKS = "(where) => [...document.querySelectorAll(where)].map((link) => link.getAttribute('href'))"
PLACES = ".nav-places a, .nav-foot a, .nav-sheet a, .link-tabs a"
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
ENTRANCE = ["/login", "/setup?token=x", "/forgot-password", "/reset-password#x", "/invitation#x", "/sign-up"]
TEXTS = ROOT / "web/ui/src/text/en"
KEYS = {f"{path.stem}.{key}" for path in TEXTS.rglob("*.json") for key in json.loads(path.read_text())}
"""What a text without its word looks like."""


@pytest.fixture(scope="module")
def made() -> list[str]:
    """What `details` has made once."""
    return []


@pytest.fixture
def details(api, steps, made: list[str]) -> list[str]:
    """Addresses of single things, each with something in it."""
    made[:] = made or prepared(api, steps)
    return made


def prepared(api, step) -> list[str]:
    flow = api.demo()
    ran = api("POST", f"/flows/{flow}/execute", {"observe": "all", "async_mode": False, "wait_seconds": 60})["id"]
    stop = [step("end", "control.stop", 0, message="No sheet today")]
    failed = api("POST", f"/flows/{api.flow('Fails on purpose', stop)}/execute", {"async_mode": False})["id"]
    empty = api.flow("Nothing in it", [])
    connections = {one["name"]: one["id"] for one in api("GET", "/connections")}
    schedule = api("POST", "/schedules", {"flow_id": flow, "name": "Each morning", "expression": "0 6 * * mon-fri"})
    webhook = api("POST", "/webhooks", {"flow_id": flow, "name": "Order placed"})
    calendar = api("POST", "/calendars", {"name": "Bavaria", "country": "DE", "subdivision": "BY"})
    job = api("POST", "/jobs", {"name": "Each night", "flows": [{"flow_id": flow, "depends_on": []}]})
    api("POST", f"/flows/{flow}/versions", {"name": "First", "change_summary": "As it came"})
    approve = step("ask", "control.approval", 0, title="Pay it?", form=[{"name": "why", "title": "Why"}])
    api("POST", f"/flows/{api.flow('Asks first', [approve])}/execute", {})
    return [
        f"/flows/{flow}", f"/flows/{flow}?step=arrived", f"/flows/{empty}", f"/flows/{flow}/versions",
        f"/flows/{flow}/text", "/flows?new", f"/executions/{ran}", f"/executions/{failed}",
        f"/connections/{connections['Warehouse']}", f"/connections/{connections['Flight data']}?tab=data",
        "/connections/new", "/connections/new/postgresql", "/connectors/postgresql", "/triggers/new",
        "/triggers/new/cron", f"/schedules/{schedule['id']}", f"/webhooks/{webhook['id']}",
        f"/calendars/{calendar['id']}", "/calendars/new", f"/jobs/{job['id']}", "/jobs/new", "/job-packages/new",
        "/event-subscriptions/new", "/docs?part=connectors&id=postgresql", "/docs?part=api&id=flows_create_flow",
        "/no-such-page",
    ]  # fmt: skip


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


def found(page: Page, size: str) -> Iterator[str]:
    """Every address that the navigation and the tabs of its pages lead to."""
    go(page, "/dashboard")
    if size == "narrow":
        page.locator(".nav-more").click()
        expect(page.locator(".nav-sheet")).to_be_visible()
    waiting, known = page.evaluate(LINKS, PLACES), set()
    while waiting:
        at = waiting.pop(0)
        if at in known:
            continue
        known.add(at)
        yield at
        waiting += page.evaluate(LINKS, PLACES)


def go(page: Page, at: str) -> None:
    """Open an address and wait until nothing is being loaded any more."""
    page.goto(at)
    expect(page.locator("h1").first).to_be_attached()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".waiting")).to_have_count(0)
    page.wait_for_timeout(SETTLED_MS)


def troubles(page: Page) -> Iterator[str]:
    """What a machine can see: pages that scroll sideways, and words that are keys."""
    if page.evaluate(SIDEWAYS) > 0:
        yield "scrolls sideways"
    if keys := KEYS & {line.strip() for line in page.locator("body").inner_text().splitlines()}:
        yield f"has keys for words: {sorted(keys)}"


def take(page: Page, folder, at: str, stack: Stack) -> None:
    """Keep it, under its address with what is the run's own taken out."""
    name = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "one", at.removeprefix(stack.url)).strip("/") or "start"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png", full_page=True)
