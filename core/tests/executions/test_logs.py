"""Log lines: bounded without silence, numbered as they are committed, searched, followed without gaps."""

from __future__ import annotations

import asyncio
import random

import pytest
import sqlalchemy as sa
from headrace.engine.messages import LogLine
from headrace.executions import logs
from headrace.executions.leases import Lease
from headrace.executions.logs import Wanted
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.infra.clock import now
from headrace.sdk.errors import NotFound
from headrace.worker.lines import FIRST, LAST, Lines

ONE = FlowGraph(nodes=(NodeSpec(id="rows", type="lab.rows"),))


def row(message, level="info", node_id="rows"):
    return {"node_id": node_id, "level": level, "message": message, "metadata": {}, "created_at": now()}


@pytest.fixture
async def lease(world):
    execution_id = await world.start(ONE)
    return Lease(organization_id=world.organization_id, execution_id=execution_id, segment_no=0, fence=1, attempt=1)


async def write(database, lease, *rows, before_commit=None):
    async with database.transaction(lease.organization_id) as session:
        await logs.append(session, lease, rows)
        if before_commit is not None:
            await before_commit


async def read(world, lease, **wanted):
    async with world.database.transaction(world.organization_id) as session:
        return [line.message for line in await logs.find(session, *lease.execution.values(), Wanted(**wanted))]


@pytest.mark.parametrize("count", [1, FIRST, FIRST + 1, FIRST + LAST, FIRST + LAST + 1, 100_000])
def test_every_line_is_there_or_counted(count):
    lines, written = Lines(), []
    for n in range(count):
        written += lines.take(LogLine(message=f"line {n}", level="debug" if n % 10 else "error", node_id="loud"))
    written += lines.take(LogLine(message="alone", node_id="quiet")) + lines.rest()
    assert lines.rest() == []
    assert len(written) <= FIRST + LAST + 3
    shown = [one["message"] for one in written if one["message"].startswith("line ")]
    [told] = [one for one in written if "left_out" in one["metadata"]] or [{"metadata": {"left_out": {}}}]
    assert len(shown) + sum(told["metadata"]["left_out"].values()) == count
    assert shown[0] == "line 0"
    assert shown[-1] == f"line {count - 1}", "how it ended is seen"
    if count == 100_000:
        assert told["message"] == "95,000 lines were left out here (85,500 debug, 9,500 error)"
        assert told["level"] == "warning"


async def test_a_step_that_never_stops_talking_costs_a_bounded_log(world, processes):
    await processes.start("worker")
    execution_id = await world.start(world.graph(gate={"says": 100_000}))
    assert (await world.ended(execution_id))["status"] == "completed", processes.log(0)
    [counted] = await world.rows("select count(*) from execution_logs where execution_id = :e", e=execution_id)
    assert FIRST + LAST < counted.count <= FIRST + LAST + 3
    [told] = await world.rows(
        "select message from execution_logs where metadata ? 'left_out' and node_id = 'gate' and execution_id = :e",
        e=execution_id,
    )
    assert told.message.startswith("95,000 lines were left out here")
    [last] = await world.rows("select message from execution_logs where message like 'line %' order by id desc limit 1")
    assert last.message == "line 99999"


async def test_lines_are_found_by_step_level_and_text(world, lease, worker_database):
    await write(
        worker_database, lease, row("read 10 rows"), row("Bad Row 7", "warning"), row("bad", "error", "write"),
        row("details", "debug", "write"),
    )  # fmt: skip
    assert await read(world, lease) == ["read 10 rows", "Bad Row 7", "bad", "details"]
    assert await read(world, lease, levels=("warning", "error")) == ["Bad Row 7", "bad"]
    assert await read(world, lease, node_id="write") == ["bad", "details"]
    assert await read(world, lease, text="BAD") == ["Bad Row 7", "bad"]
    assert await read(world, lease, text="%") == [], "text is text, no pattern"
    assert await read(world, lease, text="bad", node_id="rows", levels=("warning",)) == ["Bad Row 7"]


async def test_a_line_that_is_committed_later_has_a_higher_number(world, lease, worker_database):
    gate = asyncio.Event()
    first = asyncio.create_task(write(worker_database, lease, row("first"), before_commit=gate.wait()))
    await asyncio.sleep(0.2)
    second = asyncio.create_task(write(worker_database, lease, row("second")))
    await asyncio.sleep(0.2)
    assert await read(world, lease) == [], "the second waits: else who reads it would never see the first"
    gate.set()
    await asyncio.gather(first, second)
    assert await read(world, lease) == ["first", "second"]


async def test_whoever_follows_gets_every_line_once_and_goes_on_where_it_was_cut(world, lease, worker_database, bus):
    where = (world.database, bus, *lease.execution.values())

    async def writer(number):
        for n in range(5):
            await write(worker_database, lease, *(row(f"{number}.{n}.{m}") for m in range(60)),
                        before_commit=asyncio.sleep(random.random() / 50))  # fmt: skip
            await logs.publish(bus, *lease.execution.values())

    async def watch(after=0, most=None):
        found = []
        async for page in logs.follow(*where, after=after):
            found += page
            if most and len(found) >= most:
                return found
        return found

    whole, cut = asyncio.create_task(watch()), asyncio.create_task(watch(most=300))
    await asyncio.gather(*(writer(number) for number in range(4)))
    before = await cut
    await world.cancel(lease.execution_id)
    after = await watch(after=before[-1].id)
    [count] = await world.rows("select count(*) from execution_logs")
    for found in (await whole, before + after):
        assert [line.id for line in found] == sorted({line.id for line in found})
        assert len(found) == count.count == 1_200


async def test_nobody_follows_what_is_of_others(world, other_world, lease, bus):
    with pytest.raises(NotFound):
        async for _ in logs.follow(other_world.database, bus, other_world.organization_id, lease.execution_id):
            pytest.fail("a line of another organization")
    async with other_world.database.transaction(other_world.organization_id) as session:
        assert await session.scalar(sa.text("select count(*) from execution_logs")) == 0
