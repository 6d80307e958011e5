"""T-SEC-3: secrets of connections go in and never come out, and never follow an address."""

from __future__ import annotations

import json

import pytest

API = "/api/v1"
CANARY = "canary-that-goes-in-only"
CONFIG = {"host": "db.example.org", "database": "d", "user": "u", "password": CANARY}
SET = {"$secret": True, "set": True, "hint": "…only"}


@pytest.fixture
def ask(client, admin):
    seen: list[str] = []

    async def call(method: str, path: str, body: dict | None = None, status: int = 200) -> dict:
        answer = await client.request(method, API + path, json=body, headers=admin.headers)
        assert answer.status_code == status, answer.text
        seen.append(answer.text + str(answer.headers))
        told = answer.json()
        return told.get("data") or told.get("error")

    yield call
    assert not [text for text in seen if CANARY in text]


async def stored(client, database, admin, connection_id: str) -> dict:
    """What is really there."""
    from headrace.connections import service

    async with database.transaction(admin.organization_id) as session:
        found = await service.resolve(session, client.app.state.services.vault, admin.organization_id, [connection_id])
    return dict(found[connection_id].config)


async def test_no_answer_shows_a_secret_and_leaving_it_out_keeps_it(ask, client, database, admin) -> None:
    made = await ask("POST", "/connections", {"name": "Shop", "connector": "postgresql", "config": CONFIG}, 201)
    assert made["config"]["password"] == SET
    where = f"/connections/{made['id']}"
    version = made["row_version"]
    for password in (None, "***", SET, {"$secret": True}):
        config = {**made["config"], "password": password}
        changed = await ask("PATCH", where, {"config": config, "row_version": version})
        version = changed["row_version"]
        assert changed["config"]["password"] == SET
        assert (await stored(client, database, admin, made["id"]))["password"] == CANARY
    await ask("GET", where)
    await ask("GET", "/connections?q=Shop")
    await ask("PATCH", where, {"config": {**CONFIG, "port": "x"}, "row_version": version}, 422)
    await ask("PATCH", where, {"config": {**CONFIG, "password": [CANARY]}, "row_version": version}, 422)
    await ask("POST", "/connections", {"name": "Shop", "connector": "postgresql", "config": CONFIG}, 409)
    await ask("POST", "/connections", {"name": "X", "connector": "postgresq", "config": CONFIG}, 422)
    await ask("POST", f"{where}/test", {})


@pytest.mark.parametrize("change", [{"host": "evil.example.org"}, {"port": 6432}, {"host": "127.0.0.1"}])
async def test_a_changed_address_asks_for_the_secret_again(ask, client, database, admin, change) -> None:
    made = await ask("POST", "/connections", {"name": "Shop", "connector": "postgresql", "config": CONFIG}, 201)
    moved = {**made["config"], **change}
    body = {"config": moved, "row_version": made["row_version"]}
    refused = await ask("PATCH", f"/connections/{made['id']}", body, 422)
    assert refused["details"]["field"] == "password"
    assert "enter 'password' again" in refused["message"]
    probe = {"connector": "postgresql", "config": moved, "id": made["id"]}
    assert "enter 'password' again" in (await ask("POST", "/connections/test", probe, 422))["message"]
    assert await stored(client, database, admin, made["id"]) == CONFIG
    body = {"config": {**moved, "password": "another"}, "row_version": made["row_version"]}
    await ask("PATCH", f"/connections/{made['id']}", body)


async def test_a_reference_is_stored_and_shown_as_one_and_not_read_here(
    ask, client, database, admin, monkeypatch
) -> None:
    monkeypatch.setenv("FLOW_SHOP", CANARY)
    config = {**CONFIG, "password": {"secret": "env:FLOW_SHOP"}}
    made = await ask("POST", "/connections", {"name": "Shop", "connector": "postgresql", "config": config}, 201)
    assert made["config"]["password"] == {"$secret": True, "set": True, "hint": "", "reference": "env:FLOW_SHOP"}
    assert await stored(client, database, admin, made["id"]) == config
    told = await ask("POST", f"/connections/{made['id']}/test", {})
    assert not told["ok"]
    assert "which only workers may read" in json.dumps(told)
    wrong = {**CONFIG, "user": {"secret": "env:FLOW_SHOP"}}
    await ask("POST", "/connections", {"name": "Y", "connector": "postgresql", "config": wrong}, 422)


async def test_platform_admins_see_key_ids_and_no_key(ask, client, sign_up, headrace_settings) -> None:
    told = await ask("GET", "/system/keys")
    assert told["sealed"] == ""
    assert told["ring"] == [told["current"]]
    assert headrace_settings.master_keys[0].reveal() not in json.dumps(told)
    other = await sign_up(name="other")
    assert (await client.get(f"{API}/system/keys", headers=other.headers)).status_code == 403
