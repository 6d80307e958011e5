"""T-KEY: API keys of people and service accounts."""

from __future__ import annotations

import re
import zlib
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from headrace.accounts import api_keys
from headrace.infra.clock import clock, now

API = "/api/v1"
TABLES = sa.text("""
select oid::regclass::text from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and has_table_privilege(oid, 'select')
""")


async def new_key(client, person, *permissions: str, **more: Any) -> dict[str, Any]:
    body = {"name": "Key", "permissions": list(permissions), **more}
    answer = await client.post(f"{API}/api-keys", json=body, headers=person.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def test_a_key_is_shown_once_and_stored_nowhere(client, sign_up, database, admin):
    made = await new_key(client, admin, "flow:read")
    key = made["key"]
    assert re.fullmatch(api_keys.PATTERN, key)
    listed = await client.get(f"{API}/api-keys", headers=admin.headers)
    assert key not in listed.text
    assert listed.json()["data"][0]["hint"] == key[:17]
    dump = listed.text
    async with database.transaction(admin.organization_id) as session:
        names = await session.scalars(TABLES)
        for name in names.all():
            dump += "".join((await session.scalars(sa.text(f"select to_jsonb(t)::text from {name} t"))).all())
    async for name in client.app.state.services.redis.scan_iter():
        dump += name.decode(errors="replace")
    assert key[18:60] not in dump


async def test_a_key_works_in_headers_and_nowhere_else(client, sign_up):
    ada = await sign_up(name="ada")
    key = (await new_key(client, ada, "flow:read"))["key"]
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert (await client.get(f"{API}/flows", headers=headers)).status_code == 200
        assert (await client.get(f"{API}/workspaces", headers=headers)).status_code == 403
        for path in ("/sessions", "/api-keys", "/auth/second-factor"):
            assert (await client.get(API + path, headers=headers)).status_code == 403, "a key changes no account"
        assert (await client.post(f"{API}/ws-tickets", headers=headers)).status_code == 403
    for query in ("api_key", "key", "access_token", "token"):
        assert (await client.get(f"{API}/flows?{query}={key}")).status_code == 401
    assert (await client.get(f"{API}/flows", headers={"Cookie": f"headrace_session={key}"})).status_code == 401


async def test_a_mistyped_key_asks_no_database(client, sign_up, monkeypatch):
    ada = await sign_up(name="ada")
    key = (await new_key(client, ada, "flow:read"))["key"]

    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(client.app.state.services.database, "transaction", forbidden)
    other = "0" if key[-1] != "0" else "1"
    for wrong in (key[:-1] + other, key[:-1], key + "0", key.upper(), "hrk_live_", "hrk_live_" + "é" * 61):
        headers = {"X-API-Key": wrong.encode("utf-8")}
        assert (await client.get(f"{API}/flows", headers=headers)).status_code == 401


async def test_a_guessed_key_with_a_right_checksum_is_refused(client):
    stem = f"{api_keys.PREFIX}abcdefgh_{'A' * 43}"
    key = f"{stem}_{zlib.crc32(stem.encode()):08x}"
    assert api_keys.well_formed(key)
    assert (await client.get(f"{API}/flows", headers={"X-API-Key": key})).status_code == 401


async def test_a_key_ends_with_its_time_its_owner_or_its_rights(client, sign_up):
    owner = await sign_up(name="host")
    editor = await sign_up("editor", owner.organization_id)
    until = (now() + timedelta(hours=1)).isoformat()
    key = await new_key(client, editor, "flow:read", "flow:create", expires_at=until)
    h = {"X-API-Key": key["key"]}
    assert (await client.post(f"{API}/flows", json={}, headers=h)).status_code == 422, "may create"
    ids = {one["email"]: one for one in (await client.get(f"{API}/members", headers=owner.headers)).json()["data"]}
    member = f"{API}/members/{ids[editor.email]['id']}"

    async def change(**body: Any) -> None:
        version = (await client.get(member, headers=owner.headers)).json()["data"]["row_version"]
        answer = await client.patch(member, json={**body, "row_version": version}, headers=owner.headers)
        assert answer.status_code == 200, answer.text

    await change(role="viewer")
    assert (await client.post(f"{API}/flows", json={}, headers=h)).status_code == 403, "the owner may not any more"
    assert (await client.get(f"{API}/flows", headers=h)).status_code == 200
    await change(is_active=False)
    assert (await client.get(f"{API}/flows", headers=h)).status_code == 401
    await change(is_active=True)
    late = now() + timedelta(hours=1, seconds=1)
    with clock(lambda: late):
        assert (await client.get(f"{API}/flows", headers=h)).status_code == 401
    assert (await client.get(f"{API}/flows", headers=h)).status_code == 200
    assert (await client.delete(f"{API}/api-keys/{key['id']}", headers=owner.headers)).status_code == 200
    assert (await client.get(f"{API}/flows", headers=h)).status_code == 401


async def test_a_rotated_key_overlaps_as_long_as_asked(client, sign_up):
    ada = await sign_up(name="ada")
    old = await new_key(client, ada, "flow:read")
    rotate = f"{API}/api-keys/{old['id']}/rotate"
    new = (await client.post(rotate, json={"overlap_s": 60}, headers=ada.headers)).json()["data"]
    newest = (await client.post(rotate, json={"overlap_s": 60}, headers=ada.headers)).json()["data"]
    tried = [(await client.get(f"{API}/flows", headers={"X-API-Key": one["key"]})).status_code
             for one in (old, new, newest)]  # fmt: skip
    assert tried == [401, 200, 200]
    later = now() + timedelta(seconds=61)
    with clock(lambda: later):
        assert (await client.get(f"{API}/flows", headers={"X-API-Key": new["key"]})).status_code == 401
        assert (await client.get(f"{API}/flows", headers={"X-API-Key": newest["key"]})).status_code == 200


async def test_a_service_account_acts_by_its_keys_only(client, sign_up):
    owner = await sign_up(name="host")
    h = owner.headers
    robot = (await client.post(f"{API}/service-accounts", json={"name": "Robot", "role": "viewer"}, headers=h)).json()[
        "data"
    ]
    asked = {"name": "K", "permissions": ["flow:create"], "user_id": robot["id"]}
    assert (await client.post(f"{API}/api-keys", json=asked, headers=h)).status_code == 403, "more than its role"
    key = await new_key(client, owner, "flow:read", user_id=robot["id"])
    acts = {"X-API-Key": key["key"]}
    assert (await client.get(f"{API}/flows", headers=acts)).status_code == 200
    email = next(m for m in (await client.get(f"{API}/members", headers=h)).json()["data"] if m["id"] == robot["id"])[
        "email"
    ]
    assert (await client.post(f"{API}/auth/login", json={"email": email, "password": ""})).status_code == 401
    viewer = await sign_up("viewer", owner.organization_id)
    theirs = {**asked, "permissions": ["flow:read"]}
    assert (await client.post(f"{API}/api-keys", json=theirs, headers=viewer.headers)).status_code == 404
    assert (await client.get(f"{API}/api-keys/{key['id']}", headers=viewer.headers)).status_code == 404
    assert (await client.delete(f"{API}/service-accounts/{robot['id']}", headers=h)).status_code == 200
    assert (await client.get(f"{API}/flows", headers=acts)).status_code == 401


async def test_who_may_manage_keys_gets_no_stronger_one_by_rotating(client, sign_up):
    """An admin renews the keys of robots, but not of one that may do what the admin may not."""
    owner = await sign_up(name="host")
    boss = await sign_up("admin", owner.organization_id)
    h = owner.headers
    made = await client.post(f"{API}/service-accounts", json={"name": "Strong", "role": "owner"}, headers=h)
    robot = made.json()["data"]["id"]
    strong = await new_key(client, owner, "organization:delete", user_id=robot)
    weak = await new_key(client, owner, "flow:read", user_id=robot)
    refused = await client.post(f"{API}/api-keys/{strong['id']}/rotate", json={}, headers=boss.headers)
    assert (refused.status_code, "organization:delete" in refused.text) == (403, True), refused.text
    works = await client.get(f"{API}/organizations/{owner.organization_id}", headers={"X-API-Key": strong["key"]})
    assert works.status_code == 200, "and the old one still works"
    assert (await client.post(f"{API}/api-keys/{weak['id']}/rotate", json={}, headers=boss.headers)).status_code == 201
    assert (await client.post(f"{API}/api-keys/{strong['id']}/rotate", json={}, headers=h)).status_code == 201


def test_keys_do_not_repeat():
    row = api_keys.ApiKey()
    keys = {api_keys._give_key(row) for _ in range(20_000)}
    assert len(keys) == 20_000
    assert all(map(api_keys.well_formed, keys))
