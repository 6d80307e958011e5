"""Triggers in the browser: a schedule that is made, refused, seen ahead, switched on, and that starts its flow."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

WAIT_FOR_TICK_MS = 60_000


def choose(page: Page, kind: str) -> None:
    """Begin a trigger of a kind."""
    page.goto("/triggers")
    page.get_by_role("link", name="New trigger").first.click()
    page.get_by_role("link", name=kind, exact=True).click()
    expect(page.get_by_role("heading", name=f"New trigger: {kind}")).to_be_visible()


def drop(page: Page, name: str) -> None:
    """Delete a trigger from the list."""
    page.get_by_role("button", name=f"Delete {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("row").filter(has_text=name)).to_have_count(0)


def test_a_schedule_is_refused_at_its_field_said_in_words_and_seen_ahead(page: Page) -> None:
    choose(page, "Schedule (cron)")
    form = page.get_by_role("main")
    form.get_by_label("Name", exact=True).fill("At six")
    form.get_by_label("Cron expression").fill("every day")
    ahead = page.get_by_role("region", name="What comes next")
    expect(ahead).to_contain_text("every day")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Choose the flow that it starts.")).to_be_visible()
    form.get_by_label("Flow").select_option(label="Flights")
    page.expected.append("422")  # type: ignore[attr-defined]
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert").filter(has_text="every day")).to_be_visible()
    form.get_by_label("Cron expression").fill("0 6 * * mon-fri")
    expect(ahead).to_contain_text("At 06:00, Monday to Friday")
    expect(ahead.get_by_role("listitem")).to_have_count(10)
    form.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"/schedules/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", name="At six")).to_contain_text("Flow not active")
    page.goto("/triggers")
    expect(page.get_by_role("row").filter(has_text="At six")).to_contain_text("Flow not active")
    drop(page, "At six")


@pytest.mark.slow
def test_a_flow_that_is_switched_on_starts_by_itself_and_pauses(page: Page) -> None:
    choose(page, "Schedule (interval)")
    form = page.get_by_role("main")
    form.get_by_label("Name", exact=True).fill("Often")
    form.get_by_label("Flow").select_option(label="REST to table")
    form.get_by_label("Every").fill("1")
    form.get_by_label("Unit").select_option("seconds")
    form.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="REST to table").first.click()
    page.get_by_role("switch", name="Active").click()
    expect(page.get_by_role("switch", name="Active")).to_be_checked()
    page.goto("/triggers")
    row = page.get_by_role("row").filter(has_text="Often")
    expect(row).to_contain_text("Active")
    expect(row.get_by_role("cell").nth(4).get_by_role("link")).to_be_visible(timeout=WAIT_FOR_TICK_MS)
    row.get_by_role("button", name="Pause Often").click()
    expect(row).to_contain_text("Paused")
    row.get_by_role("link", name="Often").click()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("link", name="Started").first).to_be_visible()
    page.goto("/triggers")
    row.get_by_role("cell").nth(4).get_by_role("link").click()
    expect(page.locator(".facts")).to_contain_text("Schedule")
    page.goto("/triggers")
    drop(page, "Often")


def test_a_webhook_shows_its_key_once_takes_a_call_and_replays_it(page: Page, api, stack) -> None:
    import httpx

    flow = next(one for one in api("GET", "/flows?q=Flights") if one["name"] == "Flights")
    choose(page, "Webhook")
    form = page.get_by_role("main")
    form.get_by_label("Name", exact=True).fill("Order placed")
    form.get_by_label("Flow").select_option(label="Flights")
    form.get_by_role("button", name="Save").click()
    key = page.get_by_label("Signing key")
    expect(key).to_be_visible()
    assert key.input_value().startswith("whsec_")
    assert "/hooks/" in page.get_by_label("Address to call").input_value()
    page.get_by_role("link", name="Done").click()
    address = page.get_by_role("region", name="Address")
    expect(address).to_contain_text("Signed calls (HMAC)")
    first = key.input_value() if key.count() else ""
    address.get_by_role("button", name="New signing key").click()
    expect(key).to_be_visible()
    assert key.input_value() != first

    page.get_by_label("Authentication").select_option(label="Nobody is asked: the address is the secret")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    version = api("GET", f"/flows/{flow['id']}")["row_version"]
    api("PATCH", f"/flows/{flow['id']}", {"status": "active"}, **{"If-Match": f'"{version}"'})
    url = page.get_by_label("Address to call").input_value()
    assert httpx.post(url, json={"order": 17}).status_code == 202
    page.get_by_role("link", name="Calls", exact=True).click()
    call = page.get_by_role("region", name="The call").first
    expect(call).to_contain_text('"order": 17')
    call.get_by_role("button", name="Start again").click()
    expect(page.get_by_text("Started again with what the call brought.")).to_be_visible()
    expect(page.get_by_role("button", name="replayed")).to_be_visible()
    page.goto("/webhooks")
    expect(page.get_by_role("row").filter(has_text="Order placed")).to_contain_text("POST")
    drop(page, "Order placed")
    version = api("GET", f"/flows/{flow['id']}")["row_version"]
    api("PATCH", f"/flows/{flow['id']}", {"status": "inactive"}, **{"If-Match": f'"{version}"'})
