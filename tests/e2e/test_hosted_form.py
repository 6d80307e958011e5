"""Hosted forms in a browser without scripts: filled in, sent once, light and dark, wide and narrow."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 360, "height": 740}}
FIELDS = [
    {"name": "full_name", "label": "Your name", "required": True, "help": "As on your passport."},
    {"name": "mail", "label": "E-mail", "type": "email", "required": True},
    {"name": "guests", "label": "Guests", "type": "number"},
    {"name": "day", "label": "Day", "type": "date"},
    {"name": "room", "label": "Room", "type": "choice", "choices": ["Small", "Large"], "required": True},
    {"name": "wishes", "label": "Wishes", "type": "long_text", "help": "Anything that we should know."},
    {"name": "passport", "label": "Passport", "type": "file", "help": "A picture, 10 MiB at most."},
    {"name": "agreed", "label": "I have read the house rules", "type": "boolean", "required": True},
]


@pytest.fixture
def address(api, stack) -> str:
    """Where a form of a fresh flow is."""
    flow = api.flow("Booking", [{"id": "rows", "type": "step", "position": {"x": 0, "y": 0}, "data": {
        "nodeType": "triggers.manual", "label": "Rows", "config": {"sample": [{"id": 1}]}}}])  # fmt: skip
    stored = api("GET", f"/flows/{flow}")
    api("PATCH", f"/flows/{flow}", {"status": "active", "row_version": stored["row_version"]})
    made = api("POST", f"/flows/{flow}/triggers", {"trigger_type": "form", "configuration": {
        "title": "Book a room", "description": "We answer within a day.", "fields": FIELDS, "button": "Book",
        "message": "Thank you, see you soon."}})  # fmt: skip
    yield urlsplit(made["url"]).path
    api("DELETE", f"/flows/{flow}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_form_is_read_and_filled_in_by_everybody(open_page, address: str, scheme: str, size: str, tmp_path):
    page: Page = open_page(viewport=SIZES[size], color_scheme=scheme, storage_state=None)
    page.goto(address)
    expect(page.get_by_role("heading", name="Book a room")).to_be_visible()
    bad = [one["id"] for one in Axe().run(page).response["violations"] if one["impact"] in {"serious", "critical"}]
    assert bad == []
    assert page.evaluate(SIDEWAYS) == 0
    page.screenshot(path=tmp_path / "form.png", full_page=True)


def test_a_form_works_without_scripts_and_counts_once(open_page, address: str, api):
    page: Page = open_page(storage_state=None, java_script_enabled=False)
    page.expected.append("status of 422")
    page.goto(address)
    page.get_by_label("Your name").fill("Ada <Lovelace>")
    page.get_by_label("E-mail").fill("ada@example")
    page.get_by_label("Guests").fill("2.5")
    page.get_by_label("Day").fill("2026-12-10")
    page.get_by_label("Room").select_option("Large")
    page.get_by_label("Wishes").fill("one\ntwo")
    picture = {"name": "me & you.png", "mimeType": "image/png", "buffer": b"\x89PNG"}
    page.get_by_label("Passport").set_input_files(picture)
    page.get_by_label("I have read the house rules").check()
    page.get_by_role("button", name="Book").click()
    expect(page.get_by_text("This is no e-mail address; write it like ada@example.org.")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Ada <Lovelace>")
    expect(page.get_by_label("Wishes")).to_have_value("one\ntwo")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Passport").set_input_files(picture)
    page.get_by_role("button", name="Book").click()
    expect(page.get_by_text("Thank you, see you soon.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Thank you, see you soon.")).to_be_visible()
    started = [one for one in api("GET", "/executions?limit=50") if one["trigger_type"] == "form"]
    assert len(started) == 1, "a page that is sent again by a reload counts once"
    (row,) = api("GET", f"/executions/{started[0]['id']}")["input_data"]["rows"]
    assert {name: row[name] for name in ("full_name", "guests", "day", "room", "agreed")} == {
        "full_name": "Ada <Lovelace>", "guests": 2.5, "day": "2026-12-10", "room": "Large", "agreed": True,
    }  # fmt: skip
    assert row["passport"]["name"] == "me & you.png"
