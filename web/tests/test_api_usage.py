"""Usage of a workspace and of a person; owners are told of soft limits that are passed, once a month."""

from __future__ import annotations

import asyncio
import json

import pytest
import sqlalchemy as sa
from headrace.entitlements import alerts, counts
from headrace.infra.notify import listen
from headrace.infra.store import Store
from headrace.worker.maintenance import Maintenance
from headrace_web.realtime.hub import PEOPLE

API = "/api/v1"


@pytest.fixture
def limit(client, admin):
    async def put(who, key: str, value: int) -> None:
        path = f"{API}/subscriptions/{who.organization_id}/overrides/{key}"
        assert (await client.put(path, json={"value": value}, headers=admin.headers)).is_success

    return put


@pytest.fixture
def ask(client):
    async def get(who, path: str, status: int = 200):
        answer = await client.get(f"{API}/features/usage/{path}", headers=who.headers)
        assert answer.status_code == status, answer.text
        return answer.json().get("data") or answer.json()["error"]

    return get


async def made(client, who, path: str, **body) -> str:
    answer = await client.post(f"{API}{path}", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def me(client, who) -> str:
    return str((await client.get(f"{API}/auth/me", headers=who.headers)).json()["data"]["user"]["id"])


async def test_usage_of_one_workspace_and_of_one_person(client, sign_up, limit, ask):
    owner, stranger = await sign_up(), await sign_up(name="stranger")
    editor, viewer = await sign_up("editor", owner.organization_id), await sign_up("viewer", owner.organization_id)
    first, second = [await made(client, owner, "/workspaces", name=name) for name in ("First", "Second")]
    for who, place, name in ((owner, first, "a"), (owner, second, "b"), (editor, second, "c")):
        await made(client, who, "/flows", name=name, workspace_id=place)
    await limit(owner, "flows_per_workspace", 5)
    await limit(owner, "flows_per_user_soft", 1)
    found = await ask(owner, f"workflows?workspace_id={second}")
    assert (found["type"], found["used"], found["limit"], found["remaining"]) == ("flows_per_workspace", 2, 5, 3)
    mine, theirs = await me(client, owner), await me(client, editor)
    found = await ask(owner, f"flows?user_id={mine}")
    assert (found["used"], found["limit"], found["soft_limit"], found["resets_at"]) == (2, -1, 1, None)
    assert found["warning"].startswith("2 flows per user are used")
    assert (await ask(owner, f"flows?user_id={theirs}"))["used"] == 1
    assert (await ask(editor, f"flows?user_id={theirs}"))["used"] == 1
    assert (await ask(owner, f"workspaces?user_id={mine}"))["used"] == 2

    await ask(viewer, f"flows?user_id={mine}", 403)
    for path in (f"flows?workspace_id={second}", f"flows?user_id={mine}"):
        await ask(stranger, path, 404)
    for kind in ("executions", "api_requests", "elephants"):
        await ask(owner, f"{kind}?workspace_id={second}", 404)
    await ask(owner, f"workspaces?workspace_id={second}", 404)
    await ask(owner, f"flows?workspace_id={second}&user_id={mine}", 422)


async def letters(database, *addresses: str) -> list[str]:
    query = "select recipient || ': ' || (data->>'sentence') from letters where kind = 'notice' order by created_at, id"
    async with database.transaction() as session:
        found = (await session.scalars(sa.text(query))).all()
    return [one for one in found if one.startswith(addresses)]


async def said_while(url: str, act) -> list[dict]:
    """What people are told while something is done."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    listening = asyncio.create_task(listen(url, (PEOPLE,), lambda _, said: heard.put_nowait(said)))
    try:
        assert await asyncio.wait_for(heard.get(), 10) == "", "it listens"
        await act()
        found = [json.loads(await asyncio.wait_for(heard.get(), 10))]
        await asyncio.sleep(0.2)
        return found + [json.loads(heard.get_nowait()) for _ in range(heard.qsize())]
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_owners_are_told_of_a_soft_limit_once_a_month(
    client, sign_up, limit, database, worker_database, headrace_settings, tmp_path, monkeypatch
):  # fmt: skip
    owner, other = await sign_up(), await sign_up(name="other")
    second, editor = [await sign_up(role, owner.organization_id) for role in ("owner", "editor")]
    everybody = [one.email for one in (owner, second, editor, other)]
    for who in (owner, other):
        place = await made(client, who, "/workspaces", name="W")
        for name in ("a", "b"):
            await made(client, who, "/flows", name=name, workspace_id=place)
    keeper = Maintenance(worker_database, Store((tmp_path / "o").as_uri()))
    await limit(owner, "flows_soft", 2)
    await keeper.warn()
    assert await letters(database, *everybody) == [], "two of two are kept"

    await limit(owner, "flows_soft", 1)
    heard = await said_while(headrace_settings.database_url.reveal(), keeper.warn)
    sentence = "2 flows are used, 1 are meant to be; delete some or upgrade the plan."
    told = [f"{who.email}: {sentence}" for who in (owner, second)]
    assert sorted(await letters(database, *everybody)) == sorted(told)
    ids = {await me(client, who) for who in (owner, second)}
    assert {one["user_id"] for one in heard} == ids
    assert {(one["about"], one["limit"], one["used"], one["max"]) for one in heard} == {("usage", "flows", 2, 1)}

    await keeper.warn()
    assert len(await letters(database, *everybody)) == 2, "once a month"
    following = counts.next_month(counts.now())
    monkeypatch.setattr(alerts, "now", lambda: following)
    await keeper.warn()
    assert len(await letters(database, *everybody)) == 4, "and again in the next one"
