"""Accounts of the installation: only platform admins, what ends ends at once, and somebody is always left."""

from __future__ import annotations

import asyncio

API = "/api/v1"


async def test_platform_admins_keep_the_accounts(client, sign_up, admin):
    owner = await sign_up(name="somebody")
    assert (await client.get(f"{API}/users", headers=owner.headers)).status_code == 403
    made = await client.post(f"{API}/users", json={"email": "New@example.org", "full_name": "N"}, headers=admin.headers)
    assert made.status_code == 201, made.text
    assert "password" not in made.text
    letters = (await client.get(f"{API}/system/letters", headers=admin.headers)).json()["data"]
    assert [one["recipient"] for one in letters] == ["New@example.org"]
    again = await client.post(f"{API}/users", json={"email": "new@example.org"}, headers=admin.headers)
    assert again.status_code == 409
    found = (await client.get(f"{API}/users", params={"q": "%"}, headers=admin.headers)).json()["data"]
    assert found == [], "the text is a text"
    found = (await client.get(f"{API}/users", params={"q": "somebody"}, headers=admin.headers)).json()["data"]
    assert [one["email"] for one in found] == [owner.email]


async def test_who_is_shut_out_is_out_at_once(client, sign_up, admin):
    owner = await sign_up(name="somebody")
    mine = (await client.get(f"{API}/auth/me", headers=owner.headers)).json()["data"]["user"]["id"]
    assert (await client.delete(f"{API}/users/{mine}", headers=admin.headers)).json()["data"]["is_active"] is False
    assert (await client.get(f"{API}/auth/me", headers=owner.headers)).status_code == 401
    old = await client.patch(
        f"{API}/users/{mine}", json={"is_active": True}, headers={**admin.headers, "If-Match": '"1"'}
    )
    assert old.status_code == 412


async def test_somebody_is_always_left_to_manage(client, sign_up, admin, database):
    other = await sign_up(name="second")
    ids = {}
    for person in (admin, other):
        ids[person.email] = (await client.get(f"{API}/auth/me", headers=person.headers)).json()["data"]["user"]["id"]
    alone = await client.delete(f"{API}/users/{ids[admin.email]}", headers=admin.headers)
    assert alone.status_code == 409
    assert "last platform admin" in alone.json()["error"]["message"]
    page = (await client.get(f"{API}/users/{ids[other.email]}", headers=admin.headers)).json()["data"]
    raised = await client.patch(
        f"{API}/users/{ids[other.email]}", json={"is_platform_admin": True, "row_version": page["row_version"]},
        headers=admin.headers,
    )  # fmt: skip
    assert raised.status_code == 200, raised.text
    assert (await client.get(f"{API}/users", headers=other.headers)).status_code == 401, "the old token has ended"
    both = await asyncio.gather(*(client.delete(f"{API}/users/{one}", headers=admin.headers) for one in ids.values()))
    assert sorted(one.status_code for one in both) in ([200, 401], [200, 409])
