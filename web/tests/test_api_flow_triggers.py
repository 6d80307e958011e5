"""Flows and their triggers in one body, and in one file."""

from __future__ import annotations

import pytest

API = "/api/v1"
CANVAS = {"nodes": [{"id": "rows", "position": {"x": 0, "y": 0},
                     "data": {"nodeType": "triggers.interval", "config": {"every": 1, "unit": "hours"}}}],
          "edges": []}  # fmt: skip
DAILY = {"trigger_type": "cron", "name": "Daily", "configuration": {"expression": "0 7 * * *"}}
HOOK = {"trigger_type": "webhook", "name": "Shop", "configuration": {"authentication": "basic"},
        "secrets": {"username": "ada", "password": "very secret"}}  # fmt: skip


@pytest.fixture
async def call(client, sign_up):
    person = await sign_up()

    async def ask(method, path, body=None, status=200, as_=None):
        answer = await client.request(method, API + path, json=body, headers=(as_ or person).headers)
        assert answer.status_code == status, answer.text
        if answer.headers["content-type"].startswith("application/yaml"):
            return answer.text
        return answer.json()["data"] if answer.is_success else answer.json()["error"]["message"]

    ask.person = person
    await ask("POST", "/workspaces", {"name": "W"}, 201)
    return ask


async def beside(call, flow_id):
    found = await call("GET", f"/flows/{flow_id}/triggers")
    return {one["name"]: one for one in found if one["node_id"] is None}


async def test_a_flow_is_made_with_its_triggers_or_not_at_all(call):
    bad = {**DAILY, "configuration": {"expression": "never"}}
    assert "no cron expression" in await call("POST", "/flows", {"name": "A", "triggers": [DAILY | {"name": "x"}, bad]},
                                              422)  # fmt: skip
    assert await call("GET", "/flows") == []
    made = await call("POST", "/flows", {"name": "A", "definition": CANVAS, "triggers": [DAILY, HOOK]}, 201)
    found = await beside(call, made["id"])
    assert {name: one["trigger_type"] for name, one in found.items()} == {"Daily": "cron", "Shop": "webhook"}
    assert len(await call("GET", f"/flows/{made['id']}/triggers")) == 3, "that of the canvas as well"


async def test_putting_a_flow_keeps_what_stays_and_removes_what_is_left_out(call):
    made = await call("POST", "/flows", {"name": "A", "definition": CANVAS, "triggers": [DAILY, HOOK]}, 201)
    before = await beside(call, made["id"])
    later = {**DAILY, "configuration": {"expression": "0 8 * * *"}}
    shop = {name: value for name, value in HOOK.items() if name != "secrets"}
    whole = {"name": "B", "tags": ["x"], "triggers": [later, shop], "row_version": made["row_version"]}
    put = await call("PUT", f"/flows/{made['id']}", whole)
    assert (put["name"], put["tags"]) == ("B", ["x"])
    after = await beside(call, made["id"])
    assert after["Daily"]["id"] == before["Daily"]["id"]
    assert after["Daily"]["configuration"] == {"expression": "0 8 * * *"}
    assert after["Shop"] == before["Shop"], "address and secrets stay"
    assert "changed by somebody else" in await call("PUT", f"/flows/{made['id']}", whole, 412)
    patched = await call("PATCH", f"/flows/{made['id']}", {"triggers": [shop], "row_version": put["row_version"]})
    assert list(await beside(call, made["id"])) == ["Shop"]
    await call("PATCH", f"/flows/{made['id']}", {"triggers": [shop, shop], "row_version": patched["row_version"]}, 422)


async def test_a_file_carries_its_triggers_and_no_secret(call):
    made = await call("POST", "/flows", {"name": "A", "definition": CANVAS, "triggers": [DAILY, HOOK]}, 201)
    text = await call("GET", f"/flows/{made['id']}/export")
    assert "very secret" not in text
    assert "password" not in text
    copy = await call("POST", "/flows/import", {"text": text, "name": "Copy"}, 201)
    found = await beside(call, copy["id"])
    assert found["Daily"]["configuration"] == DAILY["configuration"]
    assert (found["Daily"]["is_active"], found["Shop"]["is_active"]) == (True, False)
    assert found["Shop"]["error"] == "authentication 'basic' needs the secret 'username'; enter it"
    again = await call("GET", f"/flows/{copy['id']}/export")
    assert again.replace("name: Copy", "name: A").replace("  disabled: true\n", "") == text
    done = await call("PATCH", f"/triggers/{found['Shop']['id']}", {
        "secrets": HOOK["secrets"], "is_active": True, "row_version": found["Shop"]["row_version"]})  # fmt: skip
    assert done["url"] != (await beside(call, made["id"]))["Shop"]["url"]


async def test_an_editor_may_not_remove_triggers_by_leaving_them_out(call, sign_up):
    made = await call("POST", "/flows", {"name": "A", "triggers": [DAILY]}, 201)
    editor = await sign_up("editor", call.person.organization_id)
    body = {"triggers": [], "row_version": made["row_version"]}
    await call("PATCH", f"/flows/{made['id']}", body, 403, as_=editor)
    assert list(await beside(call, made["id"])) == ["Daily"]
