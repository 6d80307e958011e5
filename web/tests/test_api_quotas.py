"""Limits of a workspace and of a person are exact under races; soft ones warn and let go on."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

API = "/api/v1"


@pytest.fixture
def limit(client, admin):
    async def put(who, key: str, value: int) -> None:
        answer = await client.put(
            f"{API}/subscriptions/{who.organization_id}/overrides/{key}", json={"value": value}, headers=admin.headers
        )
        assert answer.is_success, answer.text

    return put


async def made(client, who, workspace: str, count: int, name: str) -> Counter[int]:
    """So many creates at once, by status.

    They stand in line for one lock, each with a connection: who gets none of the pool's within its 10 s is told to come
    back, with nothing made, and does.
    """

    async def create(number: int):
        body = {"name": f"{name} {number}", "workspace_id": workspace}
        while (answer := await client.post(f"{API}/flows", json=body, headers=who.headers)).status_code == 503:
            assert answer.json()["error"]["code"] == "UNAVAILABLE", answer.text
        return answer

    answers = await asyncio.gather(*(create(number) for number in range(count)))
    assert all("flows per" in one.json()["error"]["message"] for one in answers if one.status_code == 403)
    return Counter(one.status_code for one in answers)


async def workspace(client, who, name: str) -> str:
    answer = await client.post(f"{API}/workspaces", json={"name": name}, headers=who.headers)
    assert answer.is_success, answer.text
    return str(answer.json()["data"]["id"])


async def test_a_hundred_at_once_make_ten_in_a_workspace_and_ten_of_a_person(client, sign_up, limit):
    owner = await sign_up()
    first, second = await workspace(client, owner, "First"), await workspace(client, owner, "Second")
    await limit(owner, "flows_per_workspace", 10)
    assert await made(client, owner, first, 100, "a") == {201: 10, 403: 90}
    assert await made(client, owner, second, 1, "b") == {201: 1}
    editor = await sign_up("editor", owner.organization_id)
    await limit(owner, "flows_per_workspace", -1)
    await limit(owner, "flows_per_user", 10)
    assert await made(client, editor, second, 100, "c") == {201: 10, 403: 90}
    assert await made(client, owner, second, 1, "d") == {403: 1}, "the owner has eleven"


async def test_what_comes_back_from_the_trash_has_to_fit(client, sign_up, limit):
    owner = await sign_up()
    place = await workspace(client, owner, "Place")
    flow = (await client.post(f"{API}/flows", json={"name": "x", "workspace_id": place}, headers=owner.headers)).json()
    assert (await client.delete(f"{API}/workspaces/{place}", headers=owner.headers)).is_success
    await limit(owner, "flows_per_user", 1)
    other = await workspace(client, owner, "Other")
    assert await made(client, owner, other, 1, "y") == {201: 1}
    back = await client.post(f"{API}/workspaces/{place}/restore", headers=owner.headers)
    assert back.status_code == 403, back.text
    assert (await client.get(f"{API}/flows/{flow['data']['id']}", headers=owner.headers)).status_code == 404


async def test_a_soft_limit_warns_and_lets_go_on(client, sign_up, limit):
    owner = await sign_up()
    place = await workspace(client, owner, "Place")
    await limit(owner, "flows_soft", 1)
    for name, warned in (("a", None), ("b", "2 flows are used, 1 are meant to be; delete some or upgrade the plan")):
        answer = await client.post(f"{API}/flows", json={"name": name, "workspace_id": place}, headers=owner.headers)
        assert answer.status_code == 201
        assert answer.headers.get("x-quota-warning") == warned
    usage = (await client.get(f"{API}/features/usage/flows", headers=owner.headers)).json()["data"]
    assert (usage["used"], usage["soft_limit"]) == (2, 1)
    assert usage["warning"].startswith("2 flows are used")
    assert "x-quota-warning" not in (await client.get(f"{API}/flows", headers=owner.headers)).headers


async def test_flows_are_listed_where_they_are(client, sign_up):
    owner, stranger = await sign_up(), await sign_up(name="stranger")
    place = await workspace(client, owner, "Place")
    folder = (await client.post(f"{API}/workspaces/{place}/folders", json={"name": "F"}, headers=owner.headers)).json()
    inside = folder["data"]["id"]
    for name, more in (("top", {}), ("deep", {"folder_id": inside})):
        body = {"name": name, "workspace_id": place, **more}
        assert (await client.post(f"{API}/flows", json=body, headers=owner.headers)).is_success
    for path, names in ((f"/workspaces/{place}/flows", {"top", "deep"}), (f"/folders/{inside}/flows", {"deep"})):
        found = (await client.get(f"{API}{path}", headers=owner.headers)).json()
        assert {one["name"] for one in found["data"]} == names
        assert found["meta"]["pagination"]["total"] == len(names)
        assert (await client.get(f"{API}{path}", headers=stranger.headers)).status_code == 404
