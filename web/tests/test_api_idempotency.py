"""Every creating POST of the OpenAPI document: the same key and body have one effect and one answer."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.infra.database import Database
from headrace.sdk.errors import TransientError
from headrace_web.idempotency import Keyed
from headrace_web.testing import document

API = "/api/v1"
PUBLIC = {"auth_complete_setup", "auth_confirm_registration", "waits_resume", "hooks_call"}
"""Nobody is signed in there: the first works once, the others know their repeats by token and delivery."""
STEERING = {
    "queues_drain_worker", "queues_retry_dead_letter", "executions_compensate_again", "event_subscriptions_redeliver",
    "event_subscriptions_redeliver_failed", "waits_resume_execution",
}  # fmt: skip
"""They change what is there: a repeat finds it changed, and makes nothing."""
CANVAS = {
    "nodes": [
        {"id": "rows", "position": {"x": 0, "y": 0},
         "data": {"nodeType": "local_files.read", "config": {"connection": "Files", "stream": "a.csv"}}},
        {"id": "few", "position": {"x": 0, "y": 0}, "data": {"nodeType": "transform.limit", "config": {"rows": 2}}},
    ],
    "edges": [{"id": "e", "source": "rows", "target": "few"}],
}  # fmt: skip
BODIES: dict[str, Any] = {
    "identity_providers_create_provider": {
        "provider": "proxy",
        "name": "New proxy",
        "config": {"trusted": ["192.0.2.1"]},
    },
    "workspaces_create_workspace": {"name": "New workspace"},
    "workspaces_create_folder": {"name": "New folder"},
    "flows_create_flow": {"name": "New flow"},
    "flow_files_check_in": {"name": "v"},
    "flow_files_revert": {},
    "flow_files_import_flow": {"text": "headrace: 1\nname: Brought\n"},
    "connections_create_connection": {"name": "New link", "connector": "local_files", "config": {"root": "."}},
    "templates_use_template": {"name": "From a template"},
    "executions_execute_flow": {"input_data": {"a": 1}},
    "executions_execute_node": {"mode": "to_here"},
    "executions_retry_execution": {"from": "start"},
    "executions_cancel_execution": {},
    "realtime_create_ticket": {},
    "jobs_create_job": {"name": "New job"},
    "jobs_create_job_in_folder": {"name": "New job"},
    "jobs_create_package": {"name": "New package"},
    "triggers_create_trigger": {"trigger_type": "manual", "name": "By hand"},
    "schedules_create_schedule": {"name": "Daily", "expression": "0 6 * * *"},
    "webhooks_create_webhook": {"name": "Hook"},
    "calendars_create_calendar": {"name": "Working days"},
    "event_subscriptions_create_subscription": {"url": "https://hooks.example.org/in", "events": ["execution.failed"]},
    "api_keys_create_key": {"name": "Key", "permissions": ["flow:read"]},
    "api_keys_rotate_key": {},
    "service_accounts_create_account": {"name": "Robot"},
    "users_create_user": {"email": "new@example.org"},
    "invitations_invite": {"email": "guest@example.org"},
    "organizations_create_organization": {"name": "Another"},
    "roles_create_role": {"name": "Reader", "permissions": ["flow:read"]},
    "groups_create_group": {"name": "New group"},
    "permissions_give_grant": {"object_type": "flow", "level": "view"},
    "plans_create_plan": {"key": "tiny", "edition": "standard", "title": "Tiny", "limits": {"flows": 1}},
    "subscriptions_create_subscription": {"plan_id": "scale"},
    "accounts_invite_member": {"email": "member@example.org"},
    "organizations_invite_member": {"email": "other@example.org"},
    "announcements_create_announcement": {"title": "Tonight"},
    "billing_accounts_create_account": {"name": "Plant"},
    "invoices_create_invoice": {"lines": [{"text": "Plan", "unit_price": "99"}]},
    "budgets_create_budget": {"name": "Flows", "usage_type": "flows", "amount": 5},
    "terms_create_terms": {"kind": "tos", "title": "Terms", "body": "Be kind."},
    "tickets_create_ticket": {"subject": "New question", "body": "Why?"},
    "tickets_create_message": {"body": "Because."},
    "backfills_create_backfill": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "step": "1d"},
}


def creating() -> list[tuple[str, str]]:
    schema = document()
    found = []
    for path, item in schema["paths"].items():
        one = item.get("post")
        if one and {"201", "202"} & one["responses"].keys() and one["operationId"] not in PUBLIC | STEERING:
            found.append((path, one["operationId"]))
    return sorted(found, key=lambda one: one[1])


CREATING = creating()
PARTS = 3
"""Worlds that the operations share."""


def test_the_list_is_not_empty():
    assert {"flows_create_flow", "executions_execute_flow", "executions_retry_executions"} <= {o for _, o in CREATING}


@pytest.fixture
async def world(client, admin) -> tuple[dict[str, str], dict[str, str]]:
    """Headers of an owner who is platform admin, and ids of what there is."""
    owner = admin
    h = owner.headers

    async def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await client.post(API + path, json=body, headers=h)
        assert answer.status_code in {201, 202}, answer.text
        return answer.json()["data"]

    await made("/connections", {"name": "Files", "connector": "local_files", "config": {"root": "."}})
    workspace = (await made("/workspaces", {"name": "W"}))["id"]
    flow = await made("/flows", {"name": "F", "workspace_id": workspace, "definition": CANVAS})
    await made(f"/flows/{flow['id']}/versions", {})
    first = (await made(f"/flows/{flow['id']}/execute", {}))["id"]
    await client.post(f"{API}/executions/{first}/cancel", headers=h)
    ids = {"workspace_id": workspace, "flow_id": flow["id"], "execution_id": first, "number": "1", "node_id": "few",
           "template_id": "flights",
           "organization_id": str(owner.organization_id)}  # fmt: skip
    active = await made("/flows", {"name": "G", "workspace_id": workspace, "definition": CANVAS, "status": "active"})
    hook = await made("/webhooks", {"flow_id": active["id"], "name": "H", "authentication": "none"})
    schedule = await made("/schedules", {"flow_id": active["id"], "name": "S", "expression": "0 6 * * *"})
    place = hook["url"].partition("//")[2].partition("/")[2] if "//" in hook["url"] else hook["url"]
    assert (await client.post("/" + place.lstrip("/"), json={"a": 1})).status_code == 202
    calls = (await client.get(f"{API}/webhooks/{hook['id']}/calls", headers=h)).json()["data"]
    folder = await made(f"/workspaces/{workspace}/folders", {"name": "Folder"})
    job = await made("/jobs", {"name": "J", "workspace_id": workspace, "flows": [{"flow_id": active["id"]}]})
    package = await made("/job-packages", {"name": "P", "workspace_id": workspace, "job_ids": [job["id"]]})
    told = await made("/event-subscriptions", BODIES["event_subscriptions_create_subscription"])
    ticket = await made("/tickets", {"subject": "S", "body": "B"})
    ids |= {"trigger_id": schedule["id"], "subscription_id": told["id"], "ticket_id": ticket["id"]}
    key = await made("/api-keys", {"name": "K", "permissions": ["flow:read"]})
    group = await made("/groups", {"name": "Crew"})
    me = (await client.get(f"{API}/auth/me", headers=h)).json()["data"]["user"]["id"]
    ids |= {"group_id": group["id"], "user_id": me}
    ids |= {"folder_id": folder["id"], "key_id": key["id"], "job_id": job["id"], "package_id": package["id"]}
    ids |= {"schedule_id": schedule["id"], "webhook_id": hook["id"], "call_id": calls[0]["id"], "active": active["id"]}
    return h, ids


def body_of(operation: str, ids: dict[str, str]) -> dict[str, Any]:
    if operation in {"executions_cancel_executions", "executions_retry_executions"}:
        return {"ids": [ids["execution_id"]]}
    flow = {"schedules_create_schedule": "flow_id", "webhooks_create_webhook": "flow_id",
            "backfills_create_backfill": "target", "jobs_add_job_flow": "flow_id"}.get(operation)  # fmt: skip
    if operation == "groups_add_group_member":
        return {"user_id": ids["user_id"]}
    if operation == "permissions_give_grant":
        return {**BODIES[operation], "object_id": ids["flow_id"], "group_id": ids["group_id"]}
    where = "flow_id" if operation == "jobs_add_job_flow" else "active"
    return {**BODIES.get(operation, {}), **({flow: ids[where]} if flow else {})}


async def census(database: Database, organization_id: str) -> dict[str, int]:
    """Rows of every table of an organization, the keys apart."""
    async with database.transaction(UUID(organization_id)) as session:
        names = await session.scalars(sa.text(
            "select distinct c.table_name from information_schema.columns c join information_schema.tables t "
            "using (table_schema, table_name) where c.column_name = 'organization_id' and c.table_schema = 'public' "
            "and t.table_type = 'BASE TABLE'"
        ))  # fmt: skip
        skip = {"idempotency_keys", "execution_events", "outbox"}
        return {
            name: await session.scalar(sa.text(f'select count(*) from "{name}" where organization_id = :o'),
                                       {"o": organization_id})
            for name in names if name not in skip
        }  # fmt: skip


@pytest.mark.parametrize("part", range(PARTS))
async def test_once_for_each_key(client, database, world, part):
    for path, operation in CREATING[part::PARTS]:
        await _once(client, database, world, path, operation)


async def _once(client, database, world, path, operation):
    headers, ids = world
    owner = ids["organization_id"]
    wanted = set(re.findall(r"\{(\w+)\}", path))
    assert wanted <= ids.keys(), "the world of this test lacks something that the new operation needs"
    address, body = re.sub(r"\{(\w+)\}", lambda m: ids[m[1]], path), body_of(operation, ids)
    keyed = {**headers, "Idempotency-Key": operation}
    first = await client.post(address, json=body, headers=keyed)
    assert first.status_code in {201, 202}, f"{operation}: {first.text}"
    after = await census(database, owner)
    again = await client.post(address, json=body, headers=keyed)
    assert (again.status_code, again.json()["data"]) == (first.status_code, first.json()["data"]), operation
    assert await census(database, owner) == after, f"{operation}: a repeat writes nothing"
    other = await client.post(address + "?x=1", json=body, headers=keyed)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "CONFLICT"), other.text
    assert await census(database, owner) == after, operation


async def test_at_once_and_after_a_failure(client, world, database):
    headers, _ = world
    keyed = {**headers, "Idempotency-Key": "k-2"}
    post = [client.post(f"{API}/workspaces", json={"name": "Twice"}, headers=keyed) for _ in range(5)]
    answers = await asyncio.gather(*post)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 4
    bad = await client.post(f"{API}/workspaces", json={"name": ""}, headers={**headers, "Idempotency-Key": "k-3"})
    assert bad.status_code == 422
    good = await client.post(f"{API}/workspaces", json={"name": "Now"}, headers={**headers, "Idempotency-Key": "k-3"})
    assert good.status_code == 201, "a failure does not use the key up"
    for key in ("x" * 201, " "):
        odd = await client.post(f"{API}/workspaces", json={"name": "Odd"}, headers={**headers, "Idempotency-Key": key})
        assert odd.status_code in {201, 422} if key == " " else odd.status_code == 422
    async with database.engine.connect() as connection:
        stored = (await connection.execute(sa.text("select 1 where exists (select 1 from idempotency_keys)"))).all()
    assert stored == [], "without an organization nobody sees the keys"


async def test_a_key_is_of_one_person(client, sign_up, world):
    headers, _ = world
    stranger = await sign_up(name="stranger")
    mine = await client.post(
        f"{API}/workspaces", json={"name": "Same"}, headers={**headers, "Idempotency-Key": "shared"}
    )
    theirs = await client.post(
        f"{API}/workspaces", json={"name": "Same"}, headers={**stranger.headers, "Idempotency-Key": "shared"}
    )
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["data"]["id"] != theirs.json()["data"]["id"]
    nobody = await client.post(f"{API}/workspaces", json={"name": "Same"}, headers={"Idempotency-Key": "shared"})
    assert nobody.status_code == 401


async def test_without_a_free_connection_it_says_so_and_is_asked_again(client, admin):
    database = client.app.state.services.database
    pool = database.engine.sync_engine.pool
    pool._timeout = 0.05
    taken = [await database.engine.connect() for _ in range(15)]
    keyed = Keyed(None)
    with pytest.raises(TransientError, match="all database connections are in use"):
        await keyed.begin(client.app.state.services, admin.organization_id, None, "k", accounts=False)
    for one in taken:
        await one.close()
    await keyed._leave(RuntimeError("it is over"))
