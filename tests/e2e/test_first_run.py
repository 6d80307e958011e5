"""An install of its own: entered without JavaScript over plain http, with a plugin that does not work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import FLAGS
from tests.e2e.install import Stack, started

pytestmark = pytest.mark.slow
ME, PASSWORD = "first@example.org", "correct horse battery staple 9"
SENTENCE = "the tide tables are missing"


@pytest.fixture(scope="module")
def fresh(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An install that nobody has entered yet, and an installed package whose plugin fails."""
    place = tmp_path_factory.mktemp("packages")
    (place / "tides.py").write_text(f"raise RuntimeError({SENTENCE!r})\n")
    info = place / "headrace_tides-1.4.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: headrace-tides\nVersion: 1.4\n")
    (info / "entry_points.txt").write_text("[headrace]\nconnector-tides = tides\n")
    with started(tmp_path_factory.mktemp("install"), PYTHONPATH=str(place)) as stack:
        yield stack


def test_without_javascript_the_first_account_is_made_and_its_cookie_goes_over_http(
    browser: Browser, fresh: Stack, watch
) -> None:
    with watch(browser, fresh.url, java_script_enabled=False) as page:
        page.expected.append("status of 422")
        page.goto(fresh.setup)
        page.get_by_label("Your name").fill("First")
        page.get_by_label("E-mail").fill(ME)
        page.get_by_label("Password").fill("too short")
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_label("Your name")).to_have_value("First")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Create").click()
        page.wait_for_url(f"{fresh.url}/")
        session = next(cookie for cookie in page.context.cookies() if cookie["name"].endswith("session"))
        assert session["httpOnly"]
        assert not session["secure"], "a browser would not send it back over http"
        assert session["sameSite"] == "Lax"
        page.expected.append("status of 4")
        page.goto(fresh.setup)
        page.get_by_label("Your name").fill("Second")
        page.get_by_label("E-mail").fill("second@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("alert")).to_contain_text("link")


def test_by_a_name_of_the_local_network_one_signs_in_and_stays_signed_in(
    browser: Browser, chromium: str, fresh: Stack, watch
) -> None:
    named = browser.browser_type.launch(
        executable_path=chromium, args=[*FLAGS, "--host-resolver-rules=MAP nas.local 127.0.0.1"]
    )
    try:
        with watch(named, fresh.url.replace("127.0.0.1", "nas.local")) as page:
            enter(page)
            assert not page.evaluate("isSecureContext"), "a name is no loopback address to a browser"
            page.goto("/profile/keys")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            page.reload()
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            assert "/login" not in page.url
            page.goto("/flows")
            page.get_by_role("link", name="Flights", exact=True).click()
            expect(page.get_by_test_id("step-flights")).to_be_visible()
            page.get_by_test_id("step-flights").click()
            page.keyboard.press("Control+c")
            expect(page.get_by_test_id("step-flights")).to_be_visible()
    finally:
        named.close()


def test_a_plugin_that_fails_is_shown_with_its_reason_and_the_rest_works(browser: Browser, fresh: Stack, watch) -> None:
    with watch(browser, fresh.url) as page:
        enter(page)
        page.goto("/plugins")
        page.get_by_role("radio", name="1 failed").check()
        line = page.get_by_role("main").get_by_role("listitem").filter(has_text="tides")
        expect(line).to_contain_text(SENTENCE)
        line.get_by_role("button", name="connector-tides").or_(line.get_by_role("button", name="tides")).first.click()
        detail = page.get_by_role("dialog")
        expect(detail.locator(".trace")).to_contain_text(f"RuntimeError: {SENTENCE}")
        page.keyboard.press("Escape")
        page.goto("/flows")
        expect(page.get_by_role("link", name="Flights", exact=True)).to_be_visible()


def enter(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(ME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
