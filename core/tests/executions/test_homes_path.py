"""An organization with a database of its own is served like any other: by the same scheduler, worker and code."""

from __future__ import annotations

import asyncio
import secrets

import psycopg
import pytest
import sqlalchemy as sa
from headrace.infra.moving import Mover
from headrace.infra.roles import drop_database
from headrace.testing.branches import branches

WHERE = sa.text("select current_database()")


@pytest.fixture
def place(database_urls):
    name = f"own_{secrets.token_hex(6)}"
    yield name
    with psycopg.connect(database_urls.owner_url, autocommit=True) as owner:
        drop_database(owner, name)


@pytest.mark.slow
async def test_executions_go_on_there_and_back(world, other_world, processes, database_urls, place):
    await processes.start("scheduler")
    await processes.start("worker", poll_s=600)
    mover = Mover(database_urls.owner_url, branches())

    async def moves(statement: str, **values: object) -> None:
        async with world.database.transaction() as session:
            await session.execute(sa.text(statement), {"id": world.organization_id, **values})
        await asyncio.to_thread(mover.carry_on_all)

    async def executes(at) -> str:
        execution_id = await at.start(at.graph())
        assert (await at.ended(execution_id))["status"] == "completed", processes.log(1)
        async with at.database.transaction(at.organization_id) as session:
            return str(await session.scalar(WHERE))

    shared = await executes(world)
    await moves("insert into homes (id, place) values (:id, :place)", place=place)
    assert await executes(world) == place
    assert await executes(other_world) == shared
    assert len(await world.rows("select 1 from executions where status = 'completed'")) == 2
    assert len(world.lines("target")) == 6
    await moves("update homes set goal = 'shared', step = 'freeze' where id = :id")
    assert await executes(world) == shared
    assert len(await world.rows("select 1 from executions where status = 'completed'")) == 3
