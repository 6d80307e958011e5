"""An organization gets a database of its own through the API, works there through the API, and comes back."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
import sqlalchemy as sa
from headrace.infra.moving import Mover
from headrace.infra.roles import drop_database
from headrace.testing.branches import branches

API = "/api/v1"
FLOW = {
    "nodes": [
        {"id": "rows", "position": {"x": 0, "y": 0},
         "data": {"nodeType": "local_files.read", "config": {"connection": "Files", "stream": "a.csv"}}},
        {"id": "few", "position": {"x": 0, "y": 0}, "data": {"nodeType": "transform.limit", "config": {"rows": 2}}},
    ],
    "edges": [{"id": "e", "source": "rows", "target": "few"}],
}  # fmt: skip


@pytest.fixture
def mover(headrace_settings):
    return Mover(headrace_settings.database_owner_url.reveal(), branches())


@pytest.fixture
def dropped(database_urls):
    """Databases to drop at the end."""
    names: list[str] = []
    yield names
    with psycopg.connect(database_urls.owner_url, autocommit=True) as owner:
        for name in names:
            drop_database(owner, name)


async def test_everything_goes_on_in_a_database_of_its_own(  # noqa: PLR0915 - one way there and back
    client, admin, sign_up, mover, dropped
):
    owner = await sign_up(name="mover")
    home = f"{API}/system/homes/{owner.organization_id}"

    async def called(who, method: str, path: str, body=None, want: int = 200):
        answer = await client.request(method, path, json=body, headers=who.headers)
        assert answer.status_code == want, f"{method} {path}: {answer.text}"
        return answer.json().get("data")

    files = {"name": "Files", "connector": "local_files", "config": {"root": "."}}
    await called(owner, "POST", f"{API}/connections", files, 201)
    workspace = (await called(owner, "POST", f"{API}/workspaces", {"name": "W"}, 201))["id"]
    given = {"name": "F", "workspace_id": workspace, "definition": FLOW, "status": "active"}
    flow = (await called(owner, "POST", f"{API}/flows", given, 201))["id"]
    hook = await called(owner, "POST", f"{API}/webhooks", {"name": "H", "flow_id": flow, "authentication": "none"}, 201)

    await called(owner, "PUT", home, {}, 403)
    refused = await client.put(home, json={}, headers=admin.headers)
    assert refused.json()["error"]["code"] == "FEATURE_DISABLED", refused.text
    override = f"{API}/subscriptions/{owner.organization_id}/overrides/dedicated_infrastructure"
    await called(admin, "PUT", override, {"enabled": True})
    foreign = await client.put(home, json={"place": "own@elsewhere:5432"}, headers=admin.headers)
    assert "HEADRACE_DATABASE_SERVERS" in foreign.json()["error"]["message"]
    assert (await called(admin, "GET", f"{home}/preview"))["rows"]["flows"] == 1
    begun = await called(admin, "PUT", home, {})
    dropped.append(begun["place"])
    assert (begun["state"], begun["step"]) == ("here", "create")
    await asyncio.to_thread(mover.carry_on_all)
    assert (await called(admin, "GET", home))["state"] == "there"

    services = client.app.state.services
    async with services.database.transaction(owner.organization_id) as session:
        assert await session.scalar(sa.text("select current_database()")) == begun["place"]
    assert [one["id"] for one in await called(owner, "GET", f"{API}/flows")] == [flow]
    key = {**owner.headers, "Idempotency-Key": "once"}
    twice = [await client.post(f"{API}/flows", json={**given, "name": "G"}, headers=key) for _ in range(2)]
    assert twice[0].json()["data"]["id"] == twice[1].json()["data"]["id"]
    viewer = await sign_up("viewer", owner.organization_id, name="guest")
    group = (await called(owner, "POST", f"{API}/groups", {"name": "Editors"}, 201))["id"]
    me = (await called(viewer, "GET", f"{API}/auth/me"))["user"]["id"]
    await called(owner, "POST", f"{API}/groups/{group}/members", {"user_id": me}, 201)
    await called(viewer, "PATCH", f"{API}/flows/{flow}", {"name": "X", "row_version": 1}, 403)
    grant = {"object_type": "flow", "object_id": flow, "group_id": group, "level": "edit"}
    await called(owner, "POST", f"{API}/permissions", grant, 201)
    version = (await called(viewer, "GET", f"{API}/flows/{flow}"))["row_version"]
    await called(viewer, "PATCH", f"{API}/flows/{flow}", {"name": "Renamed there", "row_version": version})
    shown = await called(owner, "GET", f"{API}/webhooks/{hook['id']}")
    place = shown["url"].partition("/hooks/")[2]
    assert (await client.post(f"/hooks/{place}", json={"a": 1})).status_code == 202
    assert (await client.post("/hooks/nowhere", json={})).status_code == 404
    assert len(await called(owner, "GET", f"{API}/executions")) == 1

    back = await called(admin, "DELETE", home)
    assert (back["goal"], back["step"]) == ("shared", "freeze")
    await asyncio.to_thread(mover.carry_on_all)
    await called(admin, "GET", home, want=404)
    async with services.database.transaction(owner.organization_id) as session:
        assert await session.scalar(sa.text("select current_database()")) != begun["place"]
    names = {one["name"] for one in await called(owner, "GET", f"{API}/flows")}
    assert names == {"Renamed there", "G"}
    assert len(await called(owner, "GET", f"{API}/executions")) == 1


async def test_a_move_that_has_not_begun_is_given_up(client, admin, sign_up, mover):
    owner = await sign_up(name="mover")
    home = f"{API}/system/homes/{owner.organization_id}"
    override = f"{API}/subscriptions/{owner.organization_id}/overrides/dedicated_infrastructure"
    await client.put(override, json={"enabled": True}, headers=admin.headers)
    assert (await client.put(home, json={"place": "never"}, headers=admin.headers)).status_code == 200
    assert (await client.put(home, json={"place": "never"}, headers=admin.headers)).status_code == 200
    assert (await client.put(home, json={"place": "another"}, headers=admin.headers)).status_code == 409
    assert (await client.delete(home, headers=admin.headers)).json()["data"]["step"] == "drop"
    await asyncio.to_thread(mover.carry_on_all)
    assert (await client.get(home, headers=admin.headers)).status_code == 404
    assert (await client.get(f"{API}/workspaces", headers=owner.headers)).status_code == 200
