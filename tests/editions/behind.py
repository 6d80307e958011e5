"""Ways to an execution that no request takes: each begins one, and tells what it kept of why it could not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import UUID

import sqlalchemy as sa
from headrace.accounts import setup
from headrace.cli.local import Local
from headrace.engine.messages import NodeFinished
from headrace.executions import assets
from headrace.executions.leases import as_json
from headrace.flows.text import parse
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.states import set_state
from headrace.sdk.errors import HeadraceError
from headrace.triggers import statements as sql
from headrace.triggers.ticker import Ticker
from msgspec import Struct

from tests.editions.house import House
from tests.tenancy.things import API, make

LATE = sa.text("""
UPDATE triggers SET next_fire_at = next_fire_at - interval '2 hours', wake_at = next_fire_at - interval '2 hours',
  state = state || jsonb_build_object('covered_until', next_fire_at - interval '2 hours') WHERE id = :id
""")
SOURCE = sa.text("""
INSERT INTO triggers (organization_id, id, flow_id, type, mode, name)
VALUES (:organization_id, :id, :flow_id, :type, 'source', 'S')
""")
SOURCES = {"poll": "poll", "file": "file", "email": "email", "message": "nats", "cdc": "cdc", "event": "of_others"}
"""A type of each kind of trigger that has a source."""
FILE = """
headrace: 1
name: {name}
nodes:
- {{id: start, type: triggers.manual}}
- {{id: few, type: transform.limit, inputs: {{in: start}}, config: {{rows: 2}}}}
"""


class Way(Struct, frozen=True):
    """One way.

    Attributes:
        ready: Makes what it needs, while everything is open; its id.
        go: Takes the way with it; the sentence that was kept when nothing began.
    """

    ready: Callable[[House], Awaitable[str]]
    go: Callable[[House, str], Awaitable[str]]


async def _posted(house: House, path: str, body: dict[str, Any]) -> str:
    made = await house.site.call("POST", API + path, house.side.owner.headers, body)
    assert made.status_code in {201, 202}, made.text
    return str(made.json()["data"]["id"])


async def _tick(house: House) -> None:
    database = Database.from_url(house.settings.database_worker_url.reveal(), pool_size=3)
    try:
        await Ticker(database, house.settings.database_worker_url.reveal(), house.site.services.host).tick()
    finally:
        await database.close()


async def _said(house: House, query: str, id_: str) -> str:
    async with house.site.services.database.transaction(house.side.organization_id) as session:
        return str(await session.scalar(sa.text(query), {"id": UUID(id_)}) or "")


async def _schedule(house: House) -> str:
    flow = await make(house.site, house.side, "flow_id")
    hourly = {"name": "S", "flow_id": flow, "type": "interval", "expression": "1h"}
    return await _posted(house, "/schedules", hourly)


async def _fall_due(house: House, id_: str) -> str:
    await house.do(LATE, {"id": UUID(id_)})
    await _tick(house)
    return await _said(house, "SELECT max(error) FROM trigger_ticks WHERE trigger_id = :id", id_)


async def _backfill(house: House) -> str:
    flow = await make(house.site, house.side, "flow_id")
    span = {"target": flow, "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
    return await _posted(house, "/backfills", span)


async def _fill(house: House, id_: str) -> str:
    await _tick(house)
    return await _said(house, "SELECT error FROM backfills WHERE id = :id", id_)


async def _watch(house: House) -> str:
    flow = await make(house.site, house.side, "flow_id")
    watched = {"assets": [{"connection": "Files", "object": f"{flow}.csv"}], "quiet_seconds": 0}
    waits = {"trigger_type": "asset", "name": "A", "configuration": watched}
    return await _posted(house, f"/flows/{flow}/triggers", waits)


async def _write(house: House, id_: str) -> str:
    """As settling a segment does for its write steps."""
    name = await _said(house, "SELECT flow_id FROM triggers WHERE id = :id", id_)
    wrote = NodeFinished(node_id="w", status="completed", rows_out=1, asset=("Files", f"{name}.csv"))
    key = {"organization_id": house.side.organization_id, "execution_id": UUID(house.side.ids["execution_id"])}
    async with house.site.services.database.transaction(house.side.organization_id) as session:
        await assets.record(session, key["organization_id"], [(key["execution_id"], [SimpleNamespace(report=wrote)])])
    await _tick(house)
    return await _said(house, "SELECT error FROM triggers WHERE id = :id", id_)


async def _listen(house: House, type_: str) -> str:
    """As the API makes a trigger on a source; nothing here asks the source."""
    flow, made = await make(house.site, house.side, "flow_id"), new_id()
    given = {"organization_id": house.side.organization_id, "id": made, "flow_id": UUID(flow), "type": type_}
    await house.do(SOURCE, given)
    return str(made)


async def _hear(house: House, id_: str) -> str:
    """As whoever asks the source stores what is new."""
    event = as_json([{"key": str(new_id()), "payload": {"rows": []}}])
    await house.do(sql.ADD_EVENTS, {"organization_id": house.side.organization_id, "id": UUID(id_), "events": event})
    await _tick(house)
    return await _said(house, "SELECT error FROM triggers WHERE id = :id", id_)


async def _file(house: House) -> str:
    """A name for a flow of the first organization, which commands act for."""
    async with house.site.services.database.transaction() as session:
        await set_state(session, setup._FIRST, str(house.side.organization_id))
    return house.site.unique(house.side)


async def _command(house: House, name: str) -> str:
    """`headrace flow run FILE`, which waits for the end: until it has begun."""
    with patch("headrace.cli.local.load_plugins", lambda: house.site.services.host):
        local = Local(house.settings)
    before = (await house.counted())["executions"]
    running = asyncio.create_task(local.execute(parse(FILE.format(name=name)), observe=False, progress=None))
    try:
        async with asyncio.timeout(60):
            while not running.done() and (await house.counted())["executions"] == before:
                await asyncio.sleep(0.05)
        running.cancel()
        await running
    except HeadraceError as error:
        return error.message
    except asyncio.CancelledError:
        return ""
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await local.close()
    return ""


BEHIND: dict[str, Way] = {
    "scheduled": Way(_schedule, _fall_due),
    "backfill": Way(_backfill, _fill),
    "asset": Way(_watch, _write),
    **{kind: Way(partial(_listen, type_=type_), _hear) for kind, type_ in SOURCES.items()},
    "api": Way(_file, _command),
}
"""By what executions keep as `trigger_type`."""
