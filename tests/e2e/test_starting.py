"""Triggers in the browser: a schedule that is made, refused, seen ahead, switched on, and that starts its flow."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

WAIT_FOR_TICK_MS = 60_000


def choose(page: Page, kind: str) -> None:
    """Begin a trigger of a kind."""
    page.goto("/triggers")
    page.get_by_role("button", name="New trigger").first.click()
    page.get_by_role("button", name=kind, exact=True).click()


def test_a_schedule_is_refused_at_its_field_and_shows_its_next_times(page: Page) -> None:
    choose(page, "Schedule (cron)")
    form = page.get_by_role("dialog")
    form.get_by_label("Name", exact=True).fill("At six")
    form.get_by_label("Cron expression").fill("every day")
    expect(form.get_by_text("Next times").locator("..")).to_contain_text("every day")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Choose the flow that it starts.")).to_be_visible()
    form.get_by_label("Flow").select_option(label="Flights")
    page.expected.append("422")  # type: ignore[attr-defined]
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert").filter(has_text="every day")).to_be_visible()
    form.get_by_label("Cron expression").fill("0 6 * * mon-fri")
    expect(form.locator(".instants li")).to_have_count(10)
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    row = page.get_by_role("row").filter(has_text="At six")
    expect(row).to_contain_text("Flow not active")
    row.get_by_role("button", name="Delete At six").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)


@pytest.mark.slow
def test_a_flow_that_is_switched_on_starts_by_itself_and_pauses(page: Page) -> None:
    choose(page, "Schedule (interval)")
    form = page.get_by_role("dialog")
    form.get_by_label("Name", exact=True).fill("Often")
    form.get_by_label("Flow").select_option(label="REST to table")
    form.get_by_label("Every").fill("1")
    form.get_by_label("Unit").select_option("seconds")
    form.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="Often")
    row.get_by_role("link", name="REST to table").click()
    page.get_by_role("switch", name="Active").click()
    expect(page.get_by_role("switch", name="Active")).to_be_checked()
    page.goto("/triggers")
    expect(row).to_contain_text("Active")
    expect(row.get_by_role("cell").nth(4).get_by_role("link")).to_be_visible(timeout=WAIT_FOR_TICK_MS)
    row.get_by_role("button", name="Pause Often").click()
    expect(row).to_contain_text("Paused")
    row.get_by_role("cell").nth(4).get_by_role("link").click()
    expect(page.locator(".facts")).to_contain_text("Schedule")
    page.goto("/triggers")
    row.get_by_role("button", name="Delete Often").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)


def test_a_webhook_has_an_address_and_a_key_that_is_shown_once(page: Page) -> None:
    choose(page, "Webhook")
    form = page.get_by_role("dialog")
    form.get_by_label("Name", exact=True).fill("Order placed")
    form.get_by_label("Flow").select_option(label="Flights")
    form.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Order placed", exact=True).click()
    address = form.get_by_label("Address (POST)").input_value()
    assert address.startswith("http")
    assert "/hooks/" in address
    form.get_by_role("button", name="New signing key…").click()
    expect(form.get_by_label("Signing key: it is shown this once")).to_be_visible()
    assert form.get_by_label("Signing key: it is shown this once").input_value().startswith("whsec_")
    form.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Delete Order placed").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Order placed", exact=True)).to_have_count(0)
