"""The browser ends while an active flow has unsaved changes: its owner gets them back, nobody else ever sees them."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from tests.e2e.conftest import FLAGS, PASSWORD, WAIT_MS

pytestmark = pytest.mark.slow
STORE = "asked.onupgradeneeded = () => asked.result.createObjectStore('drafts', { keyPath: ['owner', 'flow', 'tab'] })"
KEPT = f"""(word) => new Promise((done, fail) => {{
  const asked = indexedDB.open('headrace', 1)
  {STORE}
  asked.onerror = () => fail(asked.error)
  asked.onsuccess = () => {{
    const look = () => {{
      const all = asked.result.transaction('drafts').objectStore('drafts').getAll()
      all.onsuccess = () => (JSON.stringify(all.result).includes(word) ? done(all.result.length) : setTimeout(look, 50))
    }}
    look()
  }}
}})"""
LEFT = f"""() => new Promise((done) => {{
  const asked = indexedDB.open('headrace', 1)
  {STORE}
  asked.onsuccess = () => {{
    const all = asked.result.transaction('drafts').objectStore('drafts').getAll()
    all.onsuccess = () => {{ asked.result.close(); done(all.result.length) }}
  }}
}})"""


@pytest.fixture
def flow(api, steps, request) -> str:
    """An active flow, which waits for Save."""
    made = str(api.flow(request.node.name, [steps("a", "transform.filter", 0, where="x = 1")]))
    api("PATCH", f"/flows/{made}", {"status": "active", "row_version": api("GET", f"/flows/{made}")["row_version"]})
    return made


@contextmanager
def opened(browser: Browser, chromium: str, stack, place: Path, cookies: Any = ()) -> Iterator[Page]:
    """A page of a browser that keeps its things in a folder, as a person's does."""
    expect.set_options(timeout=WAIT_MS)
    context: BrowserContext = browser.browser_type.launch_persistent_context(
        place, executable_path=chromium, args=FLAGS, base_url=stack.url, viewport={"width": 1440, "height": 900}
    )
    try:
        context.add_cookies(cookies)
        yield context.pages[0]
    finally:
        with suppress(PlaywrightError):
            context.close()


def process_of(place: Path) -> int:
    """The browser that works in a folder."""
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            said = one.read_bytes().decode().split("\0")
            if f"--user-data-dir={place}" in said and not any(part.startswith("--type=") for part in said):
                return int(one.parent.name)
    raise AssertionError(f"no browser works in {place}")


def change(page: Page, flow: str, name: str) -> None:
    """Leaves the flow with a change that is not saved."""
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-a").click()
    page.get_by_role("textbox", name="Name of the step").fill(name)
    page.evaluate(KEPT, name)
    expect(page.get_by_text("Unsaved", exact=True)).to_be_visible()


def found(page: Page):
    return page.get_by_role("region", name="Unsaved changes were found")


def test_what_was_not_saved_comes_back_after_the_browser_has_crashed(
    browser: Browser, chromium: str, stack, account, api, flow: str, tmp_path: Path
):
    with opened(browser, chromium, stack, tmp_path, account["cookies"]) as page:
        change(page, flow, "Nearly lost")
        with page.context.expect_event("close"):
            os.kill(process_of(tmp_path), signal.SIGKILL)
    assert api("GET", f"/flows/{flow}/data")["nodes"][0]["data"]["label"] == "A"
    with opened(browser, chromium, stack, tmp_path, account["cookies"]) as page:
        page.goto(f"/flows/{flow}")
        expect(found(page)).to_contain_text("The browser ended")
        expect(page.get_by_test_id("step-a")).not_to_contain_text("Nearly lost")
        page.get_by_role("button", name="Bring them back").click()
        expect(page.get_by_test_id("step-a")).to_contain_text("Nearly lost")
        expect(found(page)).to_have_count(0)
        page.keyboard.press("Control+s")
        expect(page.get_by_text("Saved", exact=True)).to_be_visible()
        assert api("GET", f"/flows/{flow}/data")["nodes"][0]["data"]["label"] == "Nearly lost"
        assert page.evaluate(LEFT) == 0, "what is saved is kept no more"


def test_another_tab_that_is_still_open_is_no_lost_work(page: Page, flow: str):
    change(page, flow, "Still at it")
    other = page.context.new_page()
    other.goto(f"/flows/{flow}")
    expect(other.get_by_test_id("step-a")).to_be_visible()
    other.wait_for_timeout(1_500)
    expect(found(other)).to_have_count(0)
    page.close(run_before_unload=False)
    other.reload()
    expect(found(other)).to_be_visible()
    other.get_by_role("button", name="Discard").click()
    expect(found(other)).to_have_count(0)
    other.reload()
    expect(other.get_by_test_id("step-a")).to_be_visible()
    other.wait_for_timeout(1_500)
    expect(found(other)).to_have_count(0)


def test_another_account_is_never_offered_it_and_signing_out_leaves_nothing(open_page, api, stack, flow: str):
    email = f"{secrets.token_hex(4)}@example.org"
    link = api("POST", "/invitations", {"email": email, "role": "editor"})["link"]
    taken = {"token": link.partition("#")[2], "full_name": "Grace", "password": PASSWORD}
    assert httpx.post(f"{stack.url}/api/v1/invitations/accept", json=taken, timeout=60).is_success
    page: Page = open_page(storage_state=None)
    page.expected.append("401")  # type: ignore[attr-defined]
    page.on("dialog", lambda dialog: dialog.accept())

    def enter(who: str) -> None:
        page.goto("/login")
        page.get_by_label("E-mail").fill(who)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()

    enter(email)
    change(page, flow, "Of Grace")
    page.context.clear_cookies()
    enter("ada@example.org")
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-a")).to_contain_text("A")
    page.wait_for_timeout(1_500)
    expect(found(page)).to_have_count(0)
    expect(page.get_by_test_id("step-a")).not_to_contain_text("Of Grace")

    page.context.clear_cookies()
    enter(email)
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-a")).to_be_visible()
    assert page.evaluate(LEFT) == 1
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate(LEFT) == 0
    assert page.evaluate("() => sessionStorage.length") == 0
