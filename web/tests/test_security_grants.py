"""Grants over the API: a guest of one flow meets nothing else, at any address; roles, groups and organizations."""

from __future__ import annotations

import re
from typing import Any

import pytest
from headrace_web.testing import document

API = "/api/v1"
GHOST = "01900000-0000-7000-8000-000000000000"
MINE = re.compile(r"auth_|accounts_(list_sessions|end_session)|api_keys_|connectors_|plugins_|editions_|features_|"
                  r"node_types_(list|get)|realtime_|organizations_|roles_(list|get)|permissions_check|health_|"
                  r"triggers_list_trigger_types")  # fmt: skip
"""About oneself or the installation; nothing of an organization's objects is in them."""
BODIES = {"workspaces_create_folder": {"name": "x"}, "node_types_list_options": {"field": "connection"}}
PUBLIC = re.compile(r"hooks_call|waits_resume|invitations_(look|accept)")
CANVAS = {
    "nodes": [{"id": "rows", "position": {"x": 0, "y": 0},
               "data": {"nodeType": "local_files.read", "config": {"connection": "Secret files", "stream": "a.csv"}}}],
    "edges": [],
}  # fmt: skip


def operations() -> list[tuple[str, str, str]]:
    schema = document()
    found = [(method, path, one["operationId"]) for path, item in schema["paths"].items()
             for method, one in item.items() if isinstance(one, dict)]  # fmt: skip
    return sorted(found, key=lambda one: one[2])


class House:
    """An organization with secret things, and a guest with a role of no rights who is granted one flow of it."""

    def __init__(self, client, owner, guest) -> None:
        self.client, self.owner, self.guest = client, owner, guest
        self.ids: dict[str, str] = {}

    async def call(self, who, method: str, path: str, body: Any = None):
        return await self.client.request(method, API + path, json=body, headers=who.headers)

    async def made(self, path: str, body: dict[str, Any], who=None) -> dict[str, Any]:
        answer = await self.call(who or self.owner, "post", path, body)
        assert answer.status_code in {201, 202}, f"{path}: {answer.text}"
        return answer.json()["data"]

    async def grant(self, on: str, level: str, who=None, kind: str = "flow") -> str:
        body = {"object_type": kind, "object_id": on, "user_id": await self.me(who or self.guest), "level": level}
        return str((await self.made("/permissions", body))["id"])

    async def me(self, who) -> str:
        return str((await self.call(who, "get", "/auth/me")).json()["data"]["user"]["id"])

    async def build(self) -> House:
        none = await self.made("/roles", {"name": "Guest", "permissions": []})
        await self.role(self.guest, none["id"])
        workspace = (await self.made("/workspaces", {"name": "Secret plans"}))["id"]
        folder = (await self.made(f"/workspaces/{workspace}/folders", {"name": "Secret folder"}))["id"]
        link = {"name": "Secret files", "connector": "local_files", "config": {"root": "."}}
        connection = (await self.made("/connections", link))["id"]
        flow = (await self.made("/flows", {"name": "Secret flow", "workspace_id": workspace, "definition": CANVAS}))[
            "id"
        ]
        open_ = (await self.made("/flows", {"name": "Open flow", "workspace_id": workspace, "folder_id": folder}))["id"]
        await self.made(f"/flows/{flow}/versions", {})
        execution = (await self.made(f"/flows/{flow}/execute", {}))["id"]
        trigger = (await self.made(f"/flows/{flow}/triggers", {"trigger_type": "manual", "name": "Secret trigger"}))[
            "id"
        ]
        schedule = await self.made(
            "/schedules", {"flow_id": flow, "expression": "0 7 * * *", "name": "Secret schedule"}
        )
        webhook = (await self.made("/webhooks", {"flow_id": flow, "name": "Secret webhook"}))["id"]
        span = {"target": flow, "from": "2026-01-01T00:00:00Z", "to": "2026-01-03T00:00:00Z"}
        backfill = (await self.made("/backfills", span))["id"]
        job = (await self.made("/jobs", {"name": "Secret job", "workspace_id": workspace,
                                         "flows": [{"flow_id": flow}]}))["id"]  # fmt: skip
        package = (await self.made("/job-packages", {"name": "Secret package", "workspace_id": workspace,
                                                     "job_ids": [job]}))["id"]  # fmt: skip
        calendar = (await self.made("/calendars", {"name": "Secret calendar"}))["id"]
        group = (await self.made("/groups", {"name": "Secret group"}))["id"]
        told = (await self.made("/event-subscriptions", {"url": "https://example.org/secret", "events": ["*"]}))["id"]
        self.ids = {
            "workspace_id": workspace, "folder_id": folder, "flow_id": flow, "connection_id": connection, "open": open_,
            "execution_id": execution, "other_id": execution, "trigger_id": trigger, "schedule_id": schedule["id"],
            "webhook_id": webhook, "backfill_id": backfill, "job_id": job, "package_id": package,
            "calendar_id": calendar, "group_id": group, "subscription_id": told, "user_id": await self.me(self.owner),
        }  # fmt: skip
        return self

    async def role(self, who, role: str) -> None:
        """Give a role; the token of before ends, so that they sign in again."""
        path = f"/members/{await self.me(who)}"
        member = (await self.call(self.owner, "get", path)).json()["data"]
        body = {"role": role, "row_version": member["row_version"]}
        answer = await self.call(self.owner, "patch", path, body)
        assert answer.status_code == 200, answer.text
        assert (await self.call(who, "get", "/auth/me")).status_code == 401, "the old rights end at once"
        await self.sign_in(who)

    async def sign_in(self, who) -> None:
        body = {"email": who.email, "password": "correct horse battery staple 9"}
        token = (await self.client.post(f"{API}/auth/login", json=body)).json()["data"]["access_token"]
        who.headers["Authorization"] = f"Bearer {token}"


@pytest.fixture
async def house(client, sign_up) -> House:
    owner = await sign_up()
    guest = await sign_up("viewer", owner.organization_id, name="guest")
    return await House(client, owner, guest).build()


async def test_a_guest_of_one_flow_meets_nothing_else(house: House) -> None:
    open_ = house.ids["open"]
    await house.grant(open_, "edit")
    tried, listed = 0, set()
    for method, path, operation in operations():
        if MINE.match(operation) or PUBLIC.match(operation):
            continue
        address = re.sub(r"\{(\w+)\}", lambda m: house.ids.get(m[1], {"number": "1"}.get(m[1], GHOST)), path)
        query = {"connections_preview_stream": "?stream=x"}.get(operation, "")
        answer = await house.client.request(
            method, address + query, json=BODIES.get(operation, {}) if method != "get" else None,
            headers=house.guest.headers,
        )  # fmt: skip
        objects = house.ids.keys() & set(re.findall(r"\{(\w+)\}", path))
        tried += 1
        if answer.status_code == 200:
            listed.add(operation)
            assert not objects, f"{operation} shows what is not granted"
            assert "ecret" not in answer.text, f"{operation} lists what is not granted"
        else:
            assert answer.status_code in {403, 404, 422, 400, 424}, f"{operation}: {answer.status_code} {answer.text}"
            unread = answer.status_code in {422, 400}
            assert not unread or not objects, f"{operation}: let in before it was asked who may"
            assert "ecret" not in answer.text, operation
    assert tried > 100
    assert {"flows_list_flows", "executions_list_executions", "triggers_list_triggers"} <= listed
    for path in ("/flows?kind=automation", "/executions", "/triggers", "/schedules", "/schedules/next", "/webhooks",
                 "/backfills", "/approvals"):  # fmt: skip
        rows = (await house.call(house.guest, "get", path)).json()["data"]
        assert [row["id"] for row in rows] == ([open_] if path.startswith("/flows") else []), path


async def test_a_guest_works_with_what_is_granted(house: House) -> None:
    guest, open_, ids = house.guest, house.ids["open"], house.ids
    assert (await house.call(guest, "get", f"/flows/{open_}")).status_code == 404
    grant = await house.grant(open_, "view")
    assert (await house.call(guest, "get", f"/flows/{open_}")).status_code == 200
    refused = await house.call(guest, "put", f"/flows/{open_}/data", {"nodes": [], "edges": [], "row_version": 1})
    assert (refused.status_code, refused.json()["error"]["details"]["permission"]) == (403, "flow:update")
    assert (await house.call(house.owner, "delete", f"/permissions/{grant}")).status_code == 200
    assert (await house.call(guest, "get", f"/flows/{open_}")).status_code == 404, "at once"
    await house.grant(open_, "edit")
    saved = await house.call(guest, "put", f"/flows/{open_}/data", {**CANVAS, "row_version": 1})
    assert (saved.status_code, saved.json()["error"]["details"]) == (
        403, {"permission": "connection:query", "connection": "Secret files"},
    )  # fmt: skip
    for config in ({"flow": ids["flow_id"]}, {"flow": "Secret flow"}):
        node = {"id": "n", "position": {"x": 0, "y": 0}, "data": {"nodeType": "control.subflow", "config": config}}
        body = {"nodes": [node], "row_version": 1}
        called = await house.call(guest, "put", f"/flows/{open_}/data", body)
        assert (called.status_code, called.json()["error"]["details"]["permission"]) == (403, "flow:execute")
    await house.grant(ids["connection_id"], "execute", kind="connection")
    saved = await house.call(guest, "put", f"/flows/{open_}/data", {**CANVAS, "row_version": 1})
    assert saved.status_code == 200, saved.text
    made = await house.made(f"/flows/{open_}/execute", {}, who=guest)
    assert (await house.call(guest, "get", f"/executions/{made['id']}")).status_code == 200
    rows = (await house.call(guest, "get", "/executions")).json()["data"]
    assert [row["id"] for row in rows] == [made["id"]]
    assert (await house.call(guest, "delete", f"/flows/{open_}")).status_code == 403
    assert (await house.call(guest, "get", "/workspaces")).json()["data"] == []
    for path, body in (
        ("/flows", {"name": "x", "workspace_id": ids["workspace_id"]}),
        ("/flows", {"name": "x", "folder_id": ids["folder_id"]}),
        ("/schedules", {"flow_id": ids["flow_id"], "expression": "0 7 * * *"}),
        ("/webhooks", {"flow_id": ids["flow_id"]}),
        ("/backfills", {"target": ids["flow_id"], "from": "2026-01-01T00:00:00Z", "to": "2026-01-03T00:00:00Z"}),
        (
            "/permissions",
            {"object_type": "flow", "object_id": open_, "user_id": await house.me(guest), "level": "admin"},
        ),
    ):
        assert (await house.call(guest, "post", path, body)).status_code in {403, 404}, path
    await house.made("/schedules", {"flow_id": open_, "expression": "0 7 * * *"}, who=guest)
    moved = await house.call(guest, "patch", f"/flows/{open_}", {"folder_id": None, "row_version": 1})
    assert moved.status_code == 404


async def test_a_folder_is_a_place_to_work_in(house: House) -> None:
    guest, folder = house.guest, house.ids["folder_id"]
    await house.grant(folder, "edit", kind="folder")
    made = await house.made("/flows", {"name": "Mine", "folder_id": folder}, who=guest)
    job = await house.made(f"/folders/{folder}/jobs", {"name": "J", "flows": [{"flow_id": made["id"]}]}, who=guest)
    inner = await house.made(
        f"/workspaces/{house.ids['workspace_id']}/folders", {"name": "Inner", "parent_id": folder}, who=guest
    )
    deep = await house.made("/flows", {"name": "Deep", "folder_id": inner["id"]}, who=guest)
    names = {row["name"] for row in (await house.call(guest, "get", "/flows")).json()["data"]}
    assert names == {"Open flow", "Mine", "Deep"}
    foreign = await house.call(guest, "post", f"/jobs/{job['id']}/flows", {"flow_id": house.ids["flow_id"]})
    assert foreign.status_code == 403
    smuggled = {"settings": {"job": {"members": [{"flow_id": house.ids["flow_id"]}]}}, "row_version": 1}
    assert (await house.call(guest, "patch", f"/flows/{job['id']}", smuggled)).status_code in {400, 403, 412, 422}
    assert (await house.call(guest, "get", f"/flows/{house.ids['flow_id']}")).status_code == 404
    assert (await house.call(guest, "delete", f"/flows/{deep['id']}")).status_code == 403
    await house.grant(folder, "admin", kind="folder")
    assert (await house.call(guest, "delete", f"/flows/{deep['id']}")).status_code == 200


async def test_checks_explain_themselves(house: House) -> None:
    open_, guest = house.ids["open"], await house.me(house.guest)

    async def check(who, permission: str, object_id: str, **more: str) -> Any:
        query = "&".join(f"{k}={v}" for k, v in {"permission": permission, "object_type": "flow",
                                                 "object_id": object_id, **more}.items())  # fmt: skip
        return (await house.call(who, "get", f"/permissions/check?{query}")).json()

    mine = (await check(house.guest, "flow:read", open_))["data"]
    unknown = (await check(house.guest, "flow:read", GHOST))["data"]
    assert mine == unknown == {"allowed": False, "layer": None, "reason": mine["reason"]}
    grant = await house.grant(open_, "edit")
    found = (await check(house.guest, "flow:update", open_))["data"]
    assert (found["allowed"], found["layer"]) == (True, "user")
    assert grant in found["reason"]
    assert (await check(house.owner, "flow:update", open_))["data"]["layer"] == "owner"
    assert (await check(house.owner, "flow:update", open_, user_id=guest))["data"] == found
    assert (await check(house.owner, "flow:read", open_, user_id=GHOST))["data"]["allowed"] is False
    other = await check(house.guest, "flow:read", open_, user_id=await house.me(house.owner))
    assert other["error"]["code"] == "PERMISSION_DENIED"
    assert (await check(house.owner, "flow:fly", open_))["error"]["code"] == "VALIDATION_FAILED"


async def test_a_role_counts_and_ends_at_once(house: House) -> None:
    reader = await house.made("/roles", {"name": "Reader", "permissions": ["flow:read"]})
    await house.role(house.guest, reader["id"])
    me = (await house.call(house.guest, "get", "/auth/me")).json()["data"]
    assert (me["role"], me["role_name"], me["permissions"]) == (reader["id"], "Reader", ["flow:read"])
    assert (await house.call(house.guest, "get", "/flows")).json()["meta"]["pagination"]["total"] == 2
    key = await house.made("/api-keys", {"name": "K", "permissions": ["flow:read"]}, who=house.guest)
    headers = {"X-API-Key": key["key"]}
    assert (await house.client.get(f"{API}/flows", headers=headers)).status_code == 200
    change = {"permissions": ["connection:read"], "row_version": reader["row_version"]}
    assert (await house.call(house.owner, "patch", f"/roles/{reader['id']}", change)).status_code == 200
    refused = await house.call(house.guest, "get", "/flows")
    assert (refused.status_code, refused.json()["error"]["message"][:40]) == (
        403,
        "your role 'Reader' does not include 'flo",
    )
    assert (await house.client.get(f"{API}/flows", headers=headers)).status_code == 403
    await house.grant(house.ids["open"], "admin")
    assert (await house.client.get(f"{API}/flows/{house.ids['open']}", headers=headers)).status_code == 200
    denied = await house.client.delete(f"{API}/flows/{house.ids['open']}", headers=headers)
    assert denied.status_code == 403, "a key has a granted right only when it names it"


async def test_work_in_another_organization(client, sign_up, admin) -> None:
    async def call(method: str, path: str, body: Any = None):
        return await client.request(method, API + path, json=body, headers=admin.headers)

    second = (await call("post", "/organizations", {"name": "Second"})).json()["data"]
    mine = (await call("get", "/organizations")).json()["data"]
    assert {(one["name"], one["role"], one["current"]) for one in mine} == {
        ("boss", "owner", True), ("Second", "owner", False),
    }  # fmt: skip
    assert (await call("get", f"/organizations/{second['id']}")).status_code == 404
    moved = await call("post", f"/organizations/{second['id']}/switch")
    assert moved.status_code == 200, moved.text
    assert (await call("get", "/auth/me")).status_code == 401, "the sign-in of before has ended"
    admin.headers["Authorization"] = f"Bearer {moved.json()['data']['access_token']}"
    assert (await call("get", "/auth/me")).json()["data"]["organization"]["name"] == "Second"
    changed = await call("patch", f"/organizations/{second['id']}", {"name": "Two", "row_version": 1})
    assert changed.json()["data"]["name"] == "Two"
    put = {"name": "Three", "billing_email": "money@example.org", "row_version": changed.json()["data"]["row_version"]}
    assert (await call("put", f"/organizations/{second['id']}", put)).json()["data"]["domain"] is None
    assert (await call("post", f"/organizations/{second['id']}/leave")).status_code == 409, "the last owner"
    user = (await call("get", "/auth/me")).json()["data"]["user"]
    whole = {"full_name": "Ada Lovelace", "row_version": user["row_version"]}
    assert (await call("put", "/auth/me", whole)).json()["data"]["user"]["full_name"] == "Ada Lovelace"
    stranger = await sign_up(name="stranger")
    lost = await client.post(f"{API}/organizations/{second['id']}/switch", headers=stranger.headers)
    ghost = await client.post(f"{API}/organizations/{GHOST}/switch", headers=stranger.headers)
    assert (lost.status_code, lost.json()["error"]) == (ghost.status_code, ghost.json()["error"])
    assert lost.status_code == 404
    assert (await client.get(f"{API}/auth/me", headers=stranger.headers)).status_code == 200, "and stays signed in"
    assert (await client.post(f"{API}/organizations", json={"name": "No"}, headers=stranger.headers)).status_code == 403
    await call("post", "/workspaces", {"name": "W"})
    assert (await call("delete", f"/organizations/{second['id']}")).status_code == 200
    assert (await call("get", "/auth/me")).status_code == 401
