"""Calendars through the API, and the schedules that use them."""

from __future__ import annotations

from datetime import datetime

import pytest
import sqlalchemy as sa

API = "/api/v1"


@pytest.fixture
async def call(client, sign_up):
    person = await sign_up()

    async def ask(method, path, body=None, status=200):
        answer = await client.request(method, API + path, json=body, headers=person.headers)
        assert answer.status_code == status, answer.text
        return answer.json()["data"] if answer.is_success else answer.json()["error"]["message"]

    ask.person = person
    await ask("POST", "/workspaces", {"name": "W"}, 201)
    return ask


async def schedule(call, **body):
    flow = await call("POST", "/flows", {"name": "F", "status": "active"}, 201)
    given = {"flow_id": flow["id"], "expression": "0 7 * * *", "timezone": "Europe/Berlin", "name": "Report", **body}
    return await call("POST", "/schedules", given, 201)


async def test_a_schedule_follows_its_calendar_and_its_changes(call, database):
    made = await call("POST", "/calendars", {"name": "Works", "working_days": [7], "shift": "skip"}, 201)
    one = await schedule(call, calendar_id=made["id"])
    assert one["calendar_id"] == made["id"]
    shown = await call("GET", f"/schedules/{one['id']}/preview")
    assert len(shown["next"]) == 10
    assert {datetime.fromisoformat(at).isoweekday() for at in shown["next"]} == {7}
    await call("PATCH", f"/calendars/{made['id']}", {"working_days": [1], "row_version": made["row_version"]})
    again = await call("GET", f"/schedules/{one['id']}/preview")
    assert {datetime.fromisoformat(at).isoweekday() for at in again["next"]} == {1}
    async with database.transaction(call.person.organization_id) as session:
        row = (await session.execute(sa.text("select next_fire_at, wake_at from triggers"))).one()
    assert row.next_fire_at is None, "the scheduler plans it anew"
    assert row.wake_at is not None


async def test_a_calendar_in_use_stays(call):
    made = await call("POST", "/calendars", {"name": "Works"}, 201)
    one = await schedule(call, calendar_id=made["id"])
    said = await call("DELETE", f"/calendars/{made['id']}", status=409)
    assert said == "the calendar 'Works' is used by 'Report'; take it from there first"
    await call("PATCH", f"/schedules/{one['id']}", {"calendar_id": None, "row_version": one["row_version"]})
    await call("DELETE", f"/calendars/{made['id']}")
    other = await call("POST", "/calendars", {"name": "Works"}, 201)
    one = await call("GET", f"/schedules/{one['id']}")
    await call("PATCH", f"/schedules/{one['id']}", {"calendar_id": other["id"], "row_version": one["row_version"]})
    await call("DELETE", f"/schedules/{one['id']}")
    await call("DELETE", f"/calendars/{other['id']}")


async def test_days_say_why_they_do_not_count(call):
    made = await call("POST", "/calendars", {
        "name": "Berlin", "country": "DE", "subdivision": "BE",
        "dates": [{"date": "2026-12-24", "name": "Eve"}, {"date": "2026-12-26", "name": "Inventory", "working": True}],
    }, 201)  # fmt: skip
    days = await call("GET", f"/calendars/{made['id']}/days?from=2026-12-23&to=2026-12-27")
    assert [(day["working"], bool(day["name"])) for day in days] == [
        (True, False), (False, True), (False, True), (True, True), (False, False),
    ]  # fmt: skip
    assert days[1]["name"] == "Eve"


@pytest.mark.parametrize(("body", "status", "said"), [
    ({"name": "X", "country": "de"}, 422, "country this is not written as asked; Two capital letters"),
    ({"name": "X", "country": "XX"}, 422, "there is no holiday calendar for 'XX'; choose another"),
    ({"name": "X", "subdivision": "BY"}, 422, "a subdivision needs its country, e.g. DE"),
    ({"name": "X", "working_days": []}, 422, "no day of this calendar counts; name a working day"),
    ({"name": "X", "dates": [{"date": "2026-01-01"}, {"date": "2026-01-01"}]}, 422, "2026-01-01 is there twice"),
    ({"name": "works"}, 409, "there is a calendar 'works' already; choose another name"),
])  # fmt: skip
async def test_what_makes_no_sense_is_refused(call, body, status, said):
    await call("POST", "/calendars", {"name": "Works"}, 201)
    assert said in await call("POST", "/calendars", body, status)


async def test_a_schedule_takes_a_calendar_or_days_of_its_own(call):
    made = await call("POST", "/calendars", {"name": "Works"}, 201)
    flow = await call("POST", "/flows", {"name": "G"}, 201)
    body = {"flow_id": flow["id"], "expression": "@daily", "calendar_id": made["id"],
            "configuration": {"country": "DE"}}  # fmt: skip
    said = await call("POST", "/schedules", body, 422)
    assert said == "take either a calendar or a country and days of its own"
    body = {**body, "configuration": {}, "calendar_id": flow["id"]}
    assert await call("POST", "/schedules", body, 422) == "there is no such calendar; choose one of the list"
