"""Who is connected: what admins read of sockets, and what killed processes leave."""

from __future__ import annotations

import sqlalchemy as sa
from headrace.accounts import sockets

API = "/api/v1"


async def test_what_a_killed_process_leaves_is_closed_and_forgotten(client, sign_up, database, worker_database):
    person = await sign_up()
    where = {"o": person.organization_id}
    insert = """insert into websocket_connections (organization_id, id, connected_at, last_heartbeat_at)
      values (:o, gen_random_uuid(), now() - interval '1 day', now() - make_interval(secs => :s))"""
    async with database.transaction(person.organization_id) as session:
        for silent_s in (10, 200, 31 * 86_400):
            await session.execute(sa.text(insert), {**where, "s": silent_s})
    answer = await client.get(f"{API}/websocket-connections?is_active=true", headers=person.headers)
    assert len(answer.json()["data"]) == 1, "who is silent does not count, whether somebody has closed it or not"
    async with worker_database.transaction() as session:
        assert await sockets.keep(session) == 2
    async with database.transaction(person.organization_id) as session:
        rows = (await session.execute(sa.text("select is_active, disconnected_at from websocket_connections"))).all()
    assert sorted(active for active, _ in rows) == [False, True]
    assert all((ended is None) == active for active, ended in rows)
