"""An idempotency key: at once, after a failure, of another person, without a free connection."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from headrace.sdk.errors import TransientError
from headrace_web.idempotency import Keyed

API = "/api/v1"


async def test_at_once_and_after_a_failure(client, admin, database):
    headers = admin.headers
    keyed = {**headers, "Idempotency-Key": "k-2"}
    post = [client.post(f"{API}/workspaces", json={"name": "Twice"}, headers=keyed) for _ in range(5)]
    answers = await asyncio.gather(*post)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 4
    bad = await client.post(f"{API}/workspaces", json={"name": ""}, headers={**headers, "Idempotency-Key": "k-3"})
    assert bad.status_code == 422
    good = await client.post(f"{API}/workspaces", json={"name": "Now"}, headers={**headers, "Idempotency-Key": "k-3"})
    assert good.status_code == 201, "a failure does not use the key up"
    for key in ("x" * 201, " "):
        odd = await client.post(f"{API}/workspaces", json={"name": "Odd"}, headers={**headers, "Idempotency-Key": key})
        assert odd.status_code in {201, 422} if key == " " else odd.status_code == 422
    async with database.engine.connect() as connection:
        stored = (await connection.execute(sa.text("select 1 where exists (select 1 from idempotency_keys)"))).all()
    assert stored == [], "without an organization nobody sees the keys"


async def test_a_key_is_of_one_person(client, sign_up, admin):
    headers = admin.headers
    stranger = await sign_up(name="stranger")
    mine = await client.post(
        f"{API}/workspaces", json={"name": "Same"}, headers={**headers, "Idempotency-Key": "shared"}
    )
    theirs = await client.post(
        f"{API}/workspaces", json={"name": "Same"}, headers={**stranger.headers, "Idempotency-Key": "shared"}
    )
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["data"]["id"] != theirs.json()["data"]["id"]
    nobody = await client.post(f"{API}/workspaces", json={"name": "Same"}, headers={"Idempotency-Key": "shared"})
    assert nobody.status_code == 401


async def test_without_a_free_connection_it_says_so_and_is_asked_again(client, admin):
    database = client.app.state.services.database
    pool = database.engine.sync_engine.pool
    pool._timeout = 0.05
    taken = [await database.engine.connect() for _ in range(15)]
    keyed = Keyed(None)
    with pytest.raises(TransientError, match="all database connections are in use"):
        await keyed.begin(client.app.state.services, admin.organization_id, None, "k", accounts=False)
    for one in taken:
        await one.close()
    await keyed._leave(RuntimeError("it is over"))
