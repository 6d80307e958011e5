"""Schedules by list and month, calendars, backfills, event subscriptions and jobs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

DONE_MS = 90_000


@pytest.fixture
def active(api):
    """The demo flow, switched on; its id."""
    flow = api.demo()

    def switch(status: str) -> None:
        version = api("GET", f"/flows/{flow}")["row_version"]
        api("PATCH", f"/flows/{flow}", {"status": status}, **{"If-Match": f'"{version}"'})

    switch("active")
    yield flow
    switch("inactive")


@pytest.mark.slow
def test_schedules_are_filtered_paused_and_seen_as_a_month(page: Page, api, active: str) -> None:
    daily = api("POST", "/schedules", {"flow_id": active, "name": "Daily load", "expression": "15 4 * * *"})
    often = {"flow_id": active, "name": "All the time", "expression": "10m", "type": "interval"}
    made = [daily, api("POST", "/schedules", often)]
    page.goto("/schedules")
    row = page.get_by_role("row").filter(has_text="Daily load")
    expect(row).to_contain_text("At 04:15, every day")
    expect(page.get_by_role("row").filter(has_text="All the time")).to_contain_text("Every 10 minutes")
    page.get_by_role("radio", name="Month").check()
    expect(page).to_have_url(re.compile("view=month"))
    page.get_by_role("button", name="Next month").click()
    after = datetime.now(UTC).replace(day=1) + timedelta(days=32)
    month = page.get_by_role("region", name=after.strftime("%B %Y"))
    days = month.get_by_role("link", name="Daily load")
    expect(days).to_have_count(last_day(after))
    expect(month.get_by_role("list", name="Many times a day")).to_contain_text("All the time")
    page.get_by_role("radio", name="List").check()
    row.get_by_role("button", name="Pause Daily load").click()
    expect(row).to_contain_text("Paused")
    page.get_by_role("radio", name="Paused").check()
    expect(page.get_by_role("row").filter(has_text="All the time")).to_have_count(0)
    row.get_by_role("button", name="Resume Daily load").click()
    expect(row).to_have_count(0)
    for one in made:
        api("DELETE", f"/schedules/{one['id']}")


def last_day(moment: datetime) -> int:
    """The number of days of its month."""
    return ((moment.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day


@pytest.mark.slow
def test_a_calendar_has_a_year_and_is_kept_while_it_is_used(page: Page, api) -> None:
    page.goto("/calendars")
    page.get_by_role("link", name="New calendar").first.click()
    page.get_by_label("Name").fill("Bavaria")
    page.get_by_label("Public holidays of").select_option("DE")
    page.get_by_label("State or province").fill("BY")
    page.get_by_role("button", name="Add a date").click()
    year = datetime.now(UTC).year
    page.get_by_label("Date", exact=True).fill(f"{year}-12-24")
    page.get_by_label("What is it?").fill("Office closed")
    page.get_by_role("button", name="Save").click()
    view = page.get_by_role("region", name=f"The year {year}")
    expect(view).to_contain_text("Office closed")
    expect(view.get_by_role("listitem").filter(has_text="Office closed")).to_contain_text("Dec 24")
    page.get_by_role("checkbox", name="Saturday").check()
    before = view.get_by_text(re.compile(r"\d+ days count")).inner_text()
    page.get_by_role("button", name="Save").click()
    expect(view.get_by_text(before)).to_have_count(0)
    calendar = next(one for one in api("GET", "/calendars") if one["name"] == "Bavaria")
    assert calendar["working_days"] == [1, 2, 3, 4, 5, 6]
    body = {"flow_id": api.demo(), "name": "On working days", "expression": "0 6 * * *", "calendar_id": calendar["id"]}
    schedule = api("POST", "/schedules", body)
    page.goto(f"/schedules/{schedule['id']}")
    expect(page.get_by_label("Calendar", exact=True)).to_have_value(re.compile(r"\d"))
    page.goto(f"/calendars/{calendar['id']}")
    page.expected.append("409")  # type: ignore[attr-defined]
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").filter(has_text="On working days")).to_be_visible()
    api("DELETE", f"/schedules/{schedule['id']}")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile("/calendars$"))


@pytest.mark.slow
def test_a_backfill_runs_each_step_and_can_be_stopped(page: Page, api) -> None:
    page.goto("/backfills?new=yes")
    dialog = page.get_by_role("dialog", name="New backfill")
    dialog.get_by_label("Flow").select_option(label="REST to table")
    dialog.get_by_label("From").fill("2026-01-01T00:00")
    dialog.get_by_label("To", exact=False).last.fill("2026-01-04T00:00")
    dialog.get_by_label("Step").fill("nonsense")
    page.expected.append("422")  # type: ignore[attr-defined]
    dialog.get_by_role("button", name="Begin").click()
    expect(dialog.get_by_role("alert")).to_contain_text("'nonsense' is no step")
    dialog.get_by_label("Step").fill("1d")
    expect(dialog.get_by_text("That is about 3 executions.")).to_be_visible()
    dialog.get_by_role("button", name="Begin").click()
    expect(dialog).to_be_hidden()
    card = page.get_by_role("listitem").filter(has_text="REST to table").first
    expect(card).to_contain_text("3 started", timeout=DONE_MS)
    expect(card).to_contain_text("Completed", timeout=DONE_MS)
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")


def test_an_event_subscription_shows_its_secret_once_and_its_deliveries(page: Page, api) -> None:
    page.goto("/event-subscriptions")
    page.get_by_role("link", name="New subscription").first.click()
    page.get_by_label("Address of the receiver").fill("https://receiver.invalid/hook")
    page.get_by_label("Name").fill("Tickets")
    page.get_by_role("checkbox", name="Flows flow.*").check()
    page.get_by_role("button", name="Save").click()
    secret = page.get_by_label("Secret", exact=True).and_(page.get_by_role("textbox"))
    expect(secret).to_have_value(re.compile("^whsec_"))
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="Make a new secret").click()
    expect(page.get_by_label("New secret")).to_have_value(re.compile("^whsec_"))
    page.get_by_role("button", name="Send a test").click()
    expect(page).to_have_url(re.compile("tab=deliveries"))
    delivery = page.get_by_role("listitem").filter(has_text="test").first
    expect(delivery).to_be_visible()
    delivery.locator("summary").click()
    expect(delivery).to_contain_text("What is sent")
    made = next(one for one in api("GET", "/event-subscriptions") if one["name"] == "Tickets")
    assert sorted(made["events"]) == ["execution.failed", "flow.*"]
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile("/event-subscriptions$"))


@pytest.mark.slow
def test_a_job_has_an_order_is_executed_and_goes_into_a_package(page: Page, api) -> None:
    page.goto("/jobs")
    page.get_by_role("link", name="New job").first.click()
    page.get_by_label("Name").fill("Nightly")
    add = page.get_by_label("Add a flow…")
    add.select_option(label="REST to table")
    add.select_option(label="Flights")
    waits = page.get_by_role("group", name="What Flights waits for")
    waits.get_by_role("checkbox", name="REST to table").check()
    expect(
        page.get_by_role("img", name="REST to table starts at once; Flights waits for REST to table")
    ).to_be_visible()
    page.get_by_label("When", exact=True).select_option(label="By a schedule")
    page.get_by_label("Cron expression").fill("30 2 * * 1")
    expect(page.get_by_text("At 02:30, Monday")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"/jobs/[0-9a-f-]{36}$"))
    job = page.url.rsplit("/", 1)[1]
    page.get_by_role("button", name="Run").click()
    expect(page).to_have_url(re.compile("/executions/"))
    page.goto(f"/jobs/{job}?tab=executions")
    expect(page.get_by_role("row").nth(1)).to_contain_text("Succeeded", timeout=DONE_MS)
    page.goto("/schedules")
    expect(
        page.get_by_role("row").filter(has_text="At 02:30, Monday").get_by_role("link", name="Nightly")
    ).to_be_visible()
    page.goto("/job-packages/new")
    page.get_by_label("Name").fill("All of it")
    page.get_by_label("Add a job…").select_option(label="Nightly")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"/job-packages/[0-9a-f-]{36}$"))
    package = page.url.rsplit("/", 1)[1]
    page.goto("/connections")
    api("DELETE", f"/job-packages/{package}")
    api("DELETE", f"/jobs/{job}")
