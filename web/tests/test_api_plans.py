"""Plans and subscriptions over the API; a limit is exact however it is come at."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from headrace.accounts import service as accounts
from headrace.infra.bus import Message
from headrace.plugins.manager import load_plugins

API = "/api/v1"


@pytest.fixture
async def send(client, admin):
    async def ask(method, path, body=None, *, who=admin, **headers):
        answer = await client.request(method, f"{API}{path}", json=body, headers={**who.headers, **headers})
        return answer.status_code, answer.json().get("data", answer.json().get("error"))

    assert (await ask("POST", "/workspaces", {"name": "W"}))[0] == 201
    return ask


async def test_forty_creates_at_once_at_ten_give_ten(send, database, admin):
    assert (await send("POST", "/subscriptions", {"plan_id": "standard"}))[0] == 201
    file = "headrace: 1\nname: {}\n"
    doors = [
        lambda n: send("POST", "/flows", {"name": f"f{n}"}),
        lambda n: send("POST", "/flows/import", {"text": file.format(f"i{n}")}),
        lambda n: send("POST", "/jobs", {"name": f"j{n}"}),
        lambda n: send("POST", "/flows", {"name": f"k{n}"}, **{"Idempotency-Key": f"k{n}"}),
    ]

    async def through(n):
        while (answer := await doors[n % 4](n))[0] == 503:
            assert answer[1]["code"] == "UNAVAILABLE", "more at once than connections: it says so, and is asked again"
        return answer

    answers = await asyncio.gather(*(through(n) for n in range(40)))
    assert sorted({status for status, _ in answers}) == [201, 403]
    assert sum(status == 201 for status, _ in answers) == 10
    refused = next(body for status, body in answers if status == 403)
    assert (refused["code"], refused["details"]) == ("LIMIT_REACHED", {"limit": "flows", "used": 10, "max": 10})
    async with database.transaction(admin.organization_id) as session:
        assert await session.scalar(sa.text("select count(*) from flows")) == 10
    assert (await send("GET", "/features/usage/workflows"))[1] == {
        "type": "flows", "used": 10, "limit": 10, "remaining": 0, "resets_at": None, "soft_limit": -1, "warning": "",
    }  # fmt: skip


CANVAS = {
    "nodes": [{"id": "rows", "position": {"x": 0, "y": 0},
               "data": {"nodeType": "local_files.read", "config": {"connection": "Files", "stream": "a.csv"}}}],
    "edges": [],
}  # fmt: skip


async def test_executions_of_the_month_by_hand_key_retry_and_job(send, client, admin):
    await send("POST", "/connections", {"name": "Files", "connector": "local_files", "config": {"root": "."}})
    flow = (await send("POST", "/flows", {"name": "F", "definition": CANVAS, "status": "active"}))[1]["id"]
    job = (await send("POST", "/jobs", {"name": "J", "flows": [{"flow_id": flow}]}))[1]["id"]
    first = (await send("POST", f"/flows/{flow}/execute", {}))[1]["id"]
    await send("POST", f"/executions/{first}/cancel")
    usage = (await send("GET", "/features/usage/executions"))[1]
    assert (usage["used"], usage["limit"], usage["remaining"]) == (1, -1, -1)
    assert usage["resets_at"].endswith("-01T00:00:00Z")
    own = f"/subscriptions/{admin.organization_id}"
    assert (await send("PUT", f"{own}/overrides/executions", {"value": 3}))[0] == 200
    made = await asyncio.gather(*(send("POST", f"/flows/{flow}/execute", {}) for _ in range(20)))
    assert sum(status < 300 for status, _ in made) == 2
    tried = {
        f"/flows/{flow}/execute": {"async_mode": True}, f"/executions/{first}/retry": {"from": "start"},
        f"/jobs/{job}/execute": {},
        f"/flows/{flow}/nodes/rows/execute": {"mode": "to_here"},
    }  # fmt: skip
    for path, body in tried.items():
        status, error = await send("POST", path, body)
        assert (status, error["code"]) == (403, "LIMIT_REACHED"), path
    usage = (await send("GET", "/features/usage/executions"))[1]
    assert (usage["used"], usage["remaining"]) == (3, 0)


async def test_a_subscription_is_made_changed_and_ended(send, client, admin, database):
    async with database.transaction() as session:
        other = str((await accounts.create_organization(session, name="Other works")).id)
    status, made = await send("POST", "/subscriptions", {"plan_id": "growth", "organization_id": other,
                                                         "metadata": {"crm": 7}})  # fmt: skip
    assert (status, made["edition"], made["metadata"], made["subscribed"]) == (201, "premium", {"crm": 7}, True)
    assert (await send("POST", "/subscriptions", {"plan_id": "growth", "organization_id": other}))[0] == 409
    assert (await send("POST", "/subscriptions", {"plan_id": "golden"}))[0] == 422
    services, heard = client.app.state.services, []

    async def publish(organization_id, *messages: Message):
        heard.extend((str(organization_id), one.channel, one.type) for one in messages)
        return True

    services.bus.publish = publish
    body = {"plan": "standard", "organization_id": other}
    status, changed = await send("POST", "/subscriptions/upgrade", body)
    assert status == 200, changed
    assert (changed["subscription"]["plan_id"], "lineage" in changed["change"]["loses"]) == ("standard", True)
    assert heard == [(other, f"organization:{other}", "subscription_updated")]
    path = f"/subscriptions/{other}"
    assert (await send("PATCH", path, {"status": "past_due"}))[0] == 428
    assert (await send("PATCH", path, {"status": "past_due", "row_version": 1}))[0] == 412
    version = changed["subscription"]["row_version"]
    status, patched = await send("PATCH", path, {"status": "past_due", "row_version": version})
    assert (status, patched["status"]) == (200, "past_due")
    assert (await send("PUT", path, {"plan_id": "standard"}))[0] == 428
    whole = {"plan_id": "starter", "settings": {"seats": 3}, "row_version": patched["row_version"]}
    assert (await send("PUT", path, {**whole, "plan_id": "golden"}))[0] == 422
    status, replaced = await send("PUT", path, whole)
    assert (status, replaced["plan_id"], replaced["status"]) == (200, "starter", "active"), "left out is the default"
    assert (replaced["metadata"], replaced["settings"]) == ({}, {"seats": 3})
    assert (await send("PUT", path, whole))[0] == 412
    await send("PATCH", path, {"plan_id": "standard", "row_version": replaced["row_version"]})
    status, overridden = await send("PUT", f"{path}/overrides/lineage", {"enabled": True, "reason": "trial"})
    assert (status, overridden["overrides"][0]["reason"]) == (200, "trial")
    assert (await send("PUT", f"{path}/overrides/lineage", {"enabled": True, "value": 3}))[0] == 422
    assert (await send("DELETE", f"{path}/overrides/lineage"))[1]["overrides"] == []
    listed = (await send("GET", "/subscriptions?q=other"))[1]
    assert [(one["organization"], one["plan_id"]) for one in listed] == [("Other works", "standard")]
    assert (await send("DELETE", path))[1]["subscribed"] is False
    assert (await send("GET", path))[1]["plan_id"] == "community"
    ghost = "/subscriptions/01900000-0000-7000-8000-000000000000"
    assert (await send("GET", ghost))[0] == 404


async def test_the_period_ends_before_the_plan(send):
    await send("POST", "/subscriptions", {"plan_id": "premium", "period_end": "2099-01-01T00:00:00Z"})
    body = {"plan": "standard", "effective": "period_end"}
    status, changed = await send("POST", "/subscriptions/upgrade", body)
    assert status == 200
    kept = changed["subscription"]
    assert (kept["plan_id"], kept["next_plan"], kept["next_at"]) == ("premium", "standard", "2099-01-01T00:00:00Z")


async def test_an_owner_who_is_no_platform_admin_changes_none_of_it(send, sign_up):
    owner = await sign_up(name="owner")
    own = f"/subscriptions/{owner.organization_id}"
    for method, path, body in (
        ("POST", "/subscriptions/upgrade", {"plan": "enterprise"}), ("PUT", f"{own}/overrides/sso", {"enabled": True}),
        ("POST", "/plans", {"key": "x", "edition": "standard", "title": "X"}), ("GET", own, None),
        ("PATCH", "/editions/premium", {"enabled": False}), ("PATCH", "/plugins/connector-sqlite", {"enabled": False}),
    ):  # fmt: skip
        status, error = await send(method, path, body, who=owner)
        assert (status, error["code"]) == (403, "PERMISSION_DENIED"), path


async def test_plans_and_editions_over_the_api(send):
    plan = {
        "key": "tiny",
        "edition": "standard",
        "title": "Tiny",
        "features": {"lineage": True},
        "limits": {"flows": 1},
    }
    status, made = await send("POST", "/plans", plan)
    assert (status, made["origin"], made["features"]) == (201, "own", {"lineage": True})
    assert (await send("POST", "/plans", plan))[0] == 409
    assert (await send("PATCH", "/plans/tiny", {"limits": {"flows": 2}, "row_version": 1}))[1]["limits"] == {"flows": 2}
    assert (await send("PUT", "/plans/tiny", {"title": "Tinier"}))[0] == 428
    status, whole = await send("PUT", "/plans/tiny", {"title": "Tinier", "row_version": 2})
    assert (status, whole["title"], whole["features"], whole["limits"]) == (200, "Tinier", {}, {})
    names = {one["key"]: one for one in (await send("GET", "/plans"))[1]}
    assert names.keys() >= {"community", "free", "standard", "starter", "premium", "growth", "scale", "enterprise"}
    assert names["standard"]["price"] == "99 USD a month"
    assert (await send("DELETE", "/plans/tiny"))[0] == 200
    assert (await send("GET", "/plans/tiny"))[0] == 404
    await send("POST", "/subscriptions", {"plan_id": "premium"})
    preview = (await send("POST", "/editions/preview", {"edition": "premium", "enabled": False}))[1]
    assert [move["organization"] for move in preview] == ["boss"]
    fewer = {"edition": "premium", "features": {"ai": True, "reports": True}}
    [move] = (await send("POST", "/editions/preview", fewer))[1]
    assert (move["gains"], "lineage" in move["loses"], "ai" in move["loses"]) == ([], True, False)
    assert (await send("GET", "/features/check/lineage"))[1]["enabled"] is True, "a look changes nothing"
    assert (await send("POST", "/editions/preview", {"edition": "premium", "features": {"no": True}}))[0] == 422
    assert (await send("POST", "/editions/preview", {}))[0] == 422
    status, off = await send("PATCH", "/editions/premium", {"enabled": False})
    assert (status, off["enabled"], off["current"]) == (200, False, True)
    assert (await send("GET", "/features/check/lineage"))[1] == {
        "feature": "lineage", "enabled": False, "source": "default"
    }  # fmt: skip
    assert (await send("POST", "/flows", {"name": "F"}))[1]["code"] == "LIMIT_REACHED"
    assert (await send("PATCH", "/editions/premium", {"enabled": True}))[1]["enabled"] is True
    assert (await send("POST", "/flows", {"name": "F"}))[0] == 201
    assert (await send("PUT", "/features/lineage", {"default_enabled": True}))[1]["name"] == "Lineage"
    assert (await send("PUT", "/features/Bad-Key", {"default_enabled": True}))[0] == 422
    known = {one["key"]: one["default_enabled"] for one in (await send("GET", "/features"))[1]}
    assert known["lineage"] is True
    assert (await send("DELETE", "/features/lineage"))[0] == 200
    assert (await send("GET", "/features/usage/elephants"))[0] == 404


async def test_a_plugin_is_switched_off_and_on(send, client, monkeypatch):
    services = client.app.state.services
    monkeypatch.setattr(services.host, "switch", load_plugins().switch)  # the host of these tests is shared
    status, error = await send("PATCH", "/plugins/edition-community", {"enabled": False})
    assert (status, error["code"]) == (409, "CONFLICT")
    assert (await send("PATCH", "/plugins/connector-nothing", {"enabled": False}))[0] == 404
    assert (await send("PATCH", "/plugins/connector-sqlite", {"enabled": False}))[0] == 200
    assert (await send("PATCH", "/plugins/connector-sqlite", {"enabled": True}))[0] == 200


async def test_invitations_take_seats(send, admin):
    own = f"/subscriptions/{admin.organization_id}"
    await send("PUT", f"{own}/overrides/users", {"value": 3})
    made = await asyncio.gather(*(send("POST", "/invitations", {"email": f"g{n}@example.org"}) for n in range(12)))
    assert sum(status == 201 for status, _ in made) == 2, "one is taken by the admin"
    refused = next(body for status, body in made if status != 201)
    assert (refused["code"], refused["details"]["limit"]) == ("LIMIT_REACHED", "users")
    links = [body["link"] for status, body in made if status == 201]
    await send("PUT", f"{own}/overrides/users", {"value": 2})
    body = [{"token": link.partition("#")[2], "password": "correct horse battery staple 9",
             "full_name": "G"} for link in links]  # fmt: skip
    answers = await asyncio.gather(*(send("POST", "/invitations/accept", one) for one in body))
    assert sorted(status for status, _ in answers) == [200, 403]
