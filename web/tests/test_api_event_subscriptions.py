"""Event subscriptions through the API: secrets are shown once, deliveries are listed, sent again, and end with it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

API = "/api/v1"
BODY = {"url": "https://hooks.example.org/in", "events": ["flow.created", "execution.*"], "name": "Ops"}


@pytest.fixture
async def ask(client, sign_up):
    person = await sign_up()

    async def call(method, path, body=None, status=200, **headers):
        answer = await client.request(method, API + path, json=body, headers={**person.headers, **headers})
        assert answer.status_code == status, answer.text
        return answer.json().get("data", answer.json())

    call.person = person
    await call("POST", "/workspaces", {"name": "W"}, 201)
    return call


async def test_a_subscription_from_making_to_removing(ask):
    made = await ask("POST", "/event-subscriptions", BODY, 201)
    assert made["secret"].startswith("whsec_")
    place = f"/event-subscriptions/{made['id']}"
    shown = await ask("GET", place)
    assert "secret" not in shown
    assert [one["id"] for one in await ask("GET", "/event-subscriptions")] == [made["id"]]
    changed = await ask("PATCH", place, {"events": ["flow.*"], "row_version": shown["row_version"]})
    assert changed["events"] == ["flow.*"]
    await ask("PATCH", place, {"name": "x", "row_version": shown["row_version"]}, 412)
    await ask("PATCH", place, {"name": "x"}, 428)
    rotated = await ask("POST", f"{place}/rotate-secret", {"overlap_hours": 2})
    assert rotated["secret"] != made["secret"]
    assert rotated["previous_until"] > rotated["updated_at"]
    await ask("DELETE", place)
    await ask("GET", place, status=404)
    await ask("GET", f"{place}/deliveries", status=404)


async def test_deliveries_are_told_of_and_sent_again(ask, database):
    made = await ask("POST", "/event-subscriptions", BODY, 201)
    place = f"/event-subscriptions/{made['id']}"
    flow = await ask("POST", "/flows", {"name": "F"}, 201)
    tested = await ask("POST", f"{place}/test", status=202)
    test, told = await ask("GET", f"{place}/deliveries")
    assert (test["id"], test["event"]) == (tested["delivery_id"], "test")
    assert (told["event"], told["status"], told["attempts"], told["log"]) == ("flow.created", "pending", 0, [])
    assert told["payload"]["data"]["flow_id"] == flow["id"]
    assert told["event_id"] != told["id"]
    async with database.transaction(ask.person.organization_id) as session:
        await session.execute(sa.text("update event_deliveries set status = 'failed', settled_at = clock_timestamp() "
                                      "where id = :id"), {"id": told["id"]})  # fmt: skip
    assert [one["id"] for one in await ask("GET", f"{place}/deliveries?status=failed")] == [told["id"]]
    assert await ask("POST", f"{place}/redeliver", status=202) == {"deliveries": 1}
    assert await ask("GET", f"{place}/deliveries?status=failed") == []
    again = await ask("POST", f"{place}/deliveries/{told['id']}/redeliver", status=202)
    assert again == {"deliveries": 1}
    pending = await ask("GET", f"{place}/deliveries?status=pending")
    assert {one["event_id"] for one in pending} == {told["event_id"], test["event_id"]}, "under the same id"


async def test_others_see_neither_the_subscription_nor_what_it_was_told(ask, client, sign_up):
    made = await ask("POST", "/event-subscriptions", {**BODY, "events": ["*"]}, 201)
    place = f"/event-subscriptions/{made['id']}"
    other = await sign_up(name="other")
    for method, path in (("GET", place), ("GET", f"{place}/deliveries"), ("POST", f"{place}/redeliver"),
                         ("POST", f"{place}/test"), ("DELETE", place)):  # fmt: skip
        answer = await client.request(method, API + path, headers=other.headers)
        assert answer.status_code == 404, (method, path)
    await client.post(f"{API}/workspaces", json={"name": "Theirs"}, headers=other.headers)
    theirs = await client.post(f"{API}/flows", json={"name": "Theirs"}, headers=other.headers)
    assert theirs.status_code == 201
    told = await ask("GET", f"{place}/deliveries")
    assert theirs.json()["data"]["id"] not in str(told)


@pytest.mark.parametrize(("change", "said"), [
    ({"url": "ftp://x.example"}, "url"), ({"events": ["nothing.at.all"]},
     "events"), ({"events": []}, "events"), ({"secret": "short"}, "secret"),
])  # fmt: skip
async def test_what_makes_no_sense_is_refused_with_its_field(ask, change, said):
    answer = await ask("POST", "/event-subscriptions", {**BODY, **change}, 422)
    assert said in str(answer["error"]["details"])
