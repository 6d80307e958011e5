"""Schedules and triggers through the API."""

from __future__ import annotations

from datetime import datetime

import pytest

API = "/api/v1"
CANVAS = {
    "nodes": [{"id": "when", "position": {"x": 0, "y": 0},
               "data": {"nodeType": "triggers.cron", "label": "Mornings", "config": {"expression": "0 7 * * *"}}}],
    "edges": [],
}  # fmt: skip


@pytest.fixture
async def ask(client, sign_up):
    person = await sign_up()

    async def call(method, path, body=None, status=200):
        answer = await client.request(method, API + path, json=body, headers=person.headers)
        assert answer.status_code == status, answer.text
        return answer.json().get("data", answer.json())

    await call("POST", "/workspaces", {"name": "W"}, 201)
    return call


async def test_a_schedule_from_making_to_removing(ask):
    flow = await ask("POST", "/flows", {"name": "F", "status": "active"}, 201)
    body = {"flow_id": flow["id"], "expression": "30 2 * * *", "timezone": "Europe/Berlin", "name": "Nightly"}
    made = await ask("POST", "/schedules", body, 201)
    assert made["armed"]
    assert made["next_run_at"]
    assert (made["misfire"], made["timezone"]) == ("coalesce", "Europe/Berlin")
    preview = (await ask("GET", f"/schedules/{made['id']}/preview"))["next"]
    assert len(preview) == 10
    assert datetime.fromisoformat(preview[0]) == datetime.fromisoformat(made["next_run_at"])
    later = await ask("GET", f"/schedules/{made['id']}/preview?limit=3&after=2030-01-01T00:00:00Z")
    assert [at[:16] for at in later["next"]] == ["2030-01-01T02:30", "2030-01-02T02:30", "2030-01-03T02:30"]
    await ask("GET", f"/schedules/{made['id']}/preview?after=2030-01-01T00:00:00", None, 422)
    paused = await ask("POST", f"/schedules/{made['id']}/pause")
    assert (paused["is_active"], paused["armed"], paused["next_run_at"]) == (False, False, None)
    resumed = await ask("POST", f"/schedules/{made['id']}/resume")
    assert resumed["next_run_at"] == made["next_run_at"]
    change = {
        "expression": "0 9 * * 1-5",
        "misfire": "run_all",
        "max_pending": 3,
        "row_version": resumed["row_version"],
    }
    changed = await ask("PATCH", f"/schedules/{made['id']}", change)
    assert (changed["expression"], changed["misfire"], changed["max_pending"]) == ("0 9 * * 1-5", "run_all", 3)
    assert changed["timezone"] == "Europe/Berlin"
    await ask("PATCH", f"/schedules/{made['id']}", change, 412)
    assert [one["id"] for one in await ask("GET", "/schedules/next")] == [made["id"]]
    await ask("DELETE", f"/schedules/{made['id']}")
    await ask("GET", f"/schedules/{made['id']}", status=404)
    assert await ask("GET", "/schedules") == []


async def test_a_schedule_of_a_draft_waits_until_the_flow_is_active(ask):
    flow = await ask("POST", "/flows", {"name": "F"}, 201)
    made = await ask("POST", "/schedules", {"flow_id": flow["id"], "type": "interval", "expression": "15m"}, 201)
    assert (made["is_active"], made["armed"], made["next_run_at"], made["expression"]) == (True, False, None, "15m")
    await ask("PATCH", f"/flows/{flow['id']}", {"status": "active", "row_version": 1})
    assert (await ask("GET", f"/schedules/{made['id']}"))["armed"]


async def test_a_schedule_runs_now(ask):
    flow = await ask("POST", "/flows", {"name": "F", "definition": CANVAS}, 201)
    (schedule,) = await ask("GET", "/schedules")
    assert (schedule["flow_id"], schedule["node_id"], schedule["name"]) == (flow["id"], "when", "Mornings")
    made = await ask("POST", f"/schedules/{schedule['id']}/run", status=202)
    execution = await ask("GET", f"/executions/{made['execution_id']}")
    assert (execution["trigger_type"], execution["status"]) == ("manual", "queued")


@pytest.mark.parametrize(("body", "said"), [
    ({"expression": "often"}, "no cron expression"),
    ({"expression": "0 7 * * *", "timezone": "Nowhere"}, "no time zone"),
    ({"expression": "soon", "type": "interval"}, "no interval"),
    ({"expression": "@daily", "configuration": {"colour": "red"}}, "colour"),
])  # fmt: skip
async def test_what_makes_no_sense_is_refused_with_its_field(ask, body, said):
    flow = await ask("POST", "/flows", {"name": "F"}, 201)
    answer = await ask("POST", "/schedules", {"flow_id": flow["id"], **body}, 422)
    assert said in answer["error"]["message"]
    await ask("POST", "/schedules/preview", body, 422)


async def test_the_canvas_makes_and_removes_triggers(ask):
    flow = await ask("POST", "/flows", {"name": "F", "status": "active", "definition": CANVAS}, 201)
    (made,) = await ask("GET", f"/flows/{flow['id']}/triggers")
    assert (made["trigger_type"], made["node_id"], made["armed"]) == ("cron", "when", True)
    await ask("PUT", f"/flows/{flow['id']}/data", {"nodes": [], "edges": [], "row_version": 1})
    assert await ask("GET", f"/flows/{flow['id']}/triggers") == []


async def test_the_kinds_of_triggers_have_forms(ask):
    kinds = {one["id"]: one for one in await ask("GET", "/triggers/types")}
    assert {"manual", "cron", "interval", "webhook", "flow_completed", "poll"} <= kinds.keys()
    assert "expression" in kinds["cron"]["form"]["properties"]
    assert "signing_key" in kinds["webhook"]["secrets"]["properties"]
    assert kinds["cron"]["node_type"] == "triggers.cron"


async def test_backfills(ask):
    flow = await ask("POST", "/flows", {"name": "F", "definition": CANVAS}, 201)
    span = {"target": flow["id"], "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z", "parallelism": 3}
    made = await ask("POST", "/backfills", span, 202)
    assert (made["status"], made["parallelism"]) == ("running", 3)
    assert (await ask("POST", f"/backfills/{made['id']}/pause"))["status"] == "paused"
    assert (await ask("POST", f"/backfills/{made['id']}/cancel"))["status"] == "cancelled"
    await ask("POST", f"/backfills/{made['id']}/resume", status=409)
    assert [one["id"] for one in await ask("GET", "/backfills")] == [made["id"]]
    await ask("POST", "/backfills", {**span, "to": "2025-01-01T00:00:00Z"}, 422)
