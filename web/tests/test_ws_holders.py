"""The sign-ins behind open sockets are looked at together."""

from __future__ import annotations

import asyncio

import pytest
from headrace.sdk.errors import Unauthenticated
from headrace_web.realtime.holders import Holder
from sqlalchemy import event
from sqlalchemy.engine import Engine

API = "/api/v1"


async def test_a_hundred_sockets_ask_once_and_each_hears_of_its_own(client, sign_up):
    services = client.app.state.services
    stays = await sign_up()
    leaves = await sign_up("viewer", stays.organization_id)
    holders = []
    for person in (stays, leaves):
        claims = services.signer.verify(person.headers["Authorization"].removeprefix("Bearer "))
        holders.append(Holder(claims.organization_id, claims.session_id))
    assert (await client.post(f"{API}/auth/logout", headers=leaves.headers)).is_success
    asked: list[str] = []

    def note(connection, cursor, statement, *_):
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        looks = [services.holders.recheck(holders[number % 2]) for number in range(100)]
        found = await asyncio.wait_for(asyncio.gather(*looks, return_exceptions=True), 10)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len([one for one in asked if "FROM users" in one]) == 1
    assert {one.user_id for one in found[::2]} == {found[0].user_id}
    assert all(isinstance(one, Unauthenticated) for one in found[1::2])
    with pytest.raises(Unauthenticated):
        await services.holders.actor(holders[1])
