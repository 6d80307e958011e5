"""Lines of an execution's log: written in bulk, read by pages, followed without gaps.

Ids of an execution's lines rise in the order in which they are committed: whoever knows the last one misses none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.executions import queries, service, statements
from headrace.executions.leases import Lease, as_json
from headrace.executions.live import POLL_S, QUIET_S
from headrace.executions.state import TERMINAL
from headrace.infra.bus import Bus, Message
from headrace.infra.clock import now
from headrace.infra.database import Database

PAGE = 200


class LogRow(Struct, frozen=True, kw_only=True):
    """A line of an execution's log.

    Attributes:
        withheld: It has a trace, or words of an engine, which are only for those who may change the flow.
    """

    id: int
    execution_id: UUID
    node_id: str
    segment_no: int | None
    attempt: int | None
    level: str
    message: str
    metadata: dict[str, Any]
    created_at: datetime
    withheld: bool = False


class Wanted(Struct, frozen=True, kw_only=True):
    """Which lines: of these levels, of this step, with this text; all by default."""

    levels: tuple[str, ...] | None = None
    node_id: str | None = None
    text: str | None = None


ALL = Wanted()
INNER = "detail"
"""The part of `metadata` that shows code and its surroundings."""


def for_readers(row: LogRow) -> LogRow:
    """The line for somebody who may read the execution and not change its flow."""
    if INNER not in row.metadata:
        return row
    left = {name: value for name, value in row.metadata.items() if name != INNER}
    return replace(row, metadata=left, withheld=True)


def channel(execution_id: UUID) -> str:
    """Name of the channel that tells of new lines."""
    return f"logs:{execution_id}"


async def append(session: AsyncSession, lease: Lease, rows: Sequence[dict[str, Any]]) -> None:
    """Append lines `{node_id, level, message, metadata, created_at}` of an attempt."""
    await session.execute(statements.LOGS, {**lease.key, "attempt": lease.attempt, "rows": as_json(list(rows))})


async def publish(bus: Bus, organization_id: UUID, execution_id: UUID) -> None:
    """Tell those who follow that there are new lines; after the commit."""
    await bus.publish(organization_id, Message(channel=channel(execution_id), type="logs", data={}, timestamp=now()))


async def find(
    session: AsyncSession, organization_id: UUID, execution_id: UUID, wanted: Wanted = ALL, *, after: int = 0,
    limit: int = 500,
) -> list[LogRow]:  # fmt: skip
    """Lines with an id above `after`, oldest first."""
    where = {
        "organization_id": organization_id, "execution_id": execution_id, "after": after, "limit": limit,
        "levels": list(wanted.levels) if wanted.levels else None, "node_id": wanted.node_id, "text": wanted.text,
    }  # fmt: skip
    return [LogRow(**row) for row in (await session.execute(queries.LOGS, where)).mappings()]


async def last_id(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> int:
    """Id of the newest line; 0 without any."""
    where = {"organization_id": organization_id, "execution_id": execution_id}
    return int(await session.scalar(queries.LAST_LOG, where) or 0)


async def follow(
    database: Database, bus: Bus, organization_id: UUID, execution_id: UUID, wanted: Wanted = ALL, *,
    after: int = 0,
) -> AsyncGenerator[list[LogRow], None]:  # fmt: skip
    """Pages of every line above `after`, as they are written; ends when the execution has ended.

    Raises:
        NotFound: the organization has no such execution.
    """
    async with bus.subscribe(organization_id, channel(execution_id)) as told:
        wait_s = POLL_S
        while True:
            async with database.transaction(organization_id) as session:
                execution = await service.get(session, organization_id, execution_id)
            while page := await _page(database, organization_id, execution_id, wanted, after):
                after = page[-1].id
                yield page
            if execution["status"] in TERMINAL:
                return
            try:
                async with asyncio.timeout(wait_s):
                    await told.get()
                wait_s = POLL_S
            except TimeoutError:
                wait_s = min(2 * wait_s, QUIET_S)
            while not told.empty():
                told.get_nowait()


async def _page(
    database: Database, organization_id: UUID, execution_id: UUID, wanted: Wanted, after: int
) -> list[LogRow]:
    async with database.transaction(organization_id) as session:
        return await find(session, organization_id, execution_id, wanted, after=after, limit=PAGE)
