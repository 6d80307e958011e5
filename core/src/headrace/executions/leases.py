"""Leases of segments: claim one, keep it; a fence refuses whoever lost it (`settle.py`).

Functions take a session and commit nothing. `Event` records that they return are for the bus, after the commit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.messages import FrameRef
from headrace.executions import statements as sql
from headrace.executions.spec import SegmentSpec
from headrace.sdk.waiting import Resumed

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class Doorbell(Struct, frozen=True):
    """Which segment to look at; it grants nothing."""

    organization_id: UUID
    execution_id: UUID
    segment_no: int


class Lease(Struct, frozen=True, kw_only=True):
    """A claimed segment. Whoever shows the newest fence holds it."""

    organization_id: UUID
    execution_id: UUID
    segment_no: int
    fence: int
    attempt: int = 0

    @property
    def execution(self) -> dict[str, Any]:
        """Parameters that name its execution."""
        return {"organization_id": self.organization_id, "execution_id": self.execution_id}

    @property
    def key(self) -> dict[str, Any]:
        """Parameters that name the segment."""
        return {
            "organization_id": self.organization_id,
            "execution_id": self.execution_id,
            "segment_no": self.segment_no,
        }


class Claim(Struct, frozen=True, kw_only=True):
    """A lease and all that is needed to execute the segment, connections apart."""

    lease: Lease
    spec: SegmentSpec
    error_count: int
    params: dict[str, Any]
    input_data: dict[str, Any]
    observe: str
    inputs: dict[str, FrameRef]
    resumed: Resumed | None
    results: tuple[FrameRef, ...]
    events: list[Event]
    reuse: bool = False
    row_limit: int | None = None


class Event(Struct, frozen=True):
    """A row of `execution_events`."""

    seq: int
    type: str
    data: dict[str, Any]
    created_at: datetime


def as_json(value: Any) -> str:
    """JSON text for a `CAST(:x AS jsonb)` parameter; NUL characters, which jsonb refuses, are left out."""
    text = msgspec.json.encode(value).decode()
    return _NUL.sub(r"\1", text) if "\\u0000" in text else text


async def claim(
    session: AsyncSession,
    bell: Doorbell,
    *,
    worker_id: UUID,
    lease_s: float,
    distributions: Sequence[str],
    queues: Sequence[str],
) -> Claim | None:
    """Take the segment, or None: stale or forged doorbell, not ready, stopped, or plugins missing here."""
    key = {"organization_id": bell.organization_id, "execution_id": bell.execution_id}
    where = {
        **key,
        "worker_id": worker_id,
        "lease_s": lease_s,
        "distributions": list(distributions),
        "queues": list(queues),
    }
    row = (await session.execute(sql.CLAIM, {**where, "segment_no": bell.segment_no})).one_or_none()
    if row is None:
        return None
    before = await _last_seq(session, key)
    loads = {"depends_on": list(row.depends_on), "inputs": list(row.inputs)}
    found = (await session.execute(sql.STARTED, {**key, **loads})).one()
    update = {"segment_no": bell.segment_no, "status": "running", "attempt": row.attempt, "node_ids": row.node_ids}
    await append_events(session, key, [("segment_update", update)])
    lease = Lease(
        organization_id=bell.organization_id, execution_id=bell.execution_id, segment_no=bell.segment_no,
        fence=row.fence, attempt=row.attempt,
    )  # fmt: skip
    spec = msgspec.convert(row.spec, SegmentSpec)
    resumed: Resumed | None = None
    results: tuple[FrameRef, ...] = ()
    if row.parked is not None:
        from headrace.executions import families

        resumed, results = await families.resumed(session, lease, row.parked, row.resume)
    return Claim(
        lease=lease, spec=spec, error_count=row.error_count, params=found.params, input_data=found.input_data,
        observe=found.observe, reuse=found.reuse, row_limit=found.row_limit, resumed=resumed, results=results,
        inputs={**spec.given, **msgspec.convert(found.frames, dict[str, FrameRef])},
        events=await events_after(session, key, before),
    )  # fmt: skip


async def candidates(
    session: AsyncSession, *, distributions: Sequence[str], queues: Sequence[str], limit: int
) -> list[Doorbell]:
    """Segments that could be claimed now; for dispatch without the message queue."""
    rows = await session.execute(
        sql.CANDIDATES, {"distributions": list(distributions), "queues": list(queues), "limit": limit}
    )
    return [Doorbell(row.organization_id, row.execution_id, row.segment_no) for row in rows]


async def heartbeat(session: AsyncSession, leases: Sequence[Lease], *, lease_s: float) -> dict[int, bool]:
    """Extend leases. Returns fence -> whether to stop; a fence that is missing is lost."""
    rows = await session.execute(
        sql.HEARTBEAT,
        {
            "lease_s": lease_s,
            "organizations": [lease.organization_id for lease in leases],
            "executions": [lease.execution_id for lease in leases],
            "segments": [lease.segment_no for lease in leases],
            "fences": [lease.fence for lease in leases],
        },
    )
    return {row.fence: row.stop for row in rows}


async def _last_seq(session: AsyncSession, key: Mapping[str, Any]) -> int:
    return int((await session.execute(sql.LOCK, dict(key))).one().event_seq)


async def append_events(
    session: AsyncSession, key: Mapping[str, Any], events: Sequence[tuple[str, dict[str, Any]]]
) -> None:
    """Write events `(type, data)` with the next sequence numbers; the caller holds the lock on the execution."""
    listed = [{"type": kind, "data": data} for kind, data in events]
    await session.execute(sql.EVENTS, {**key, "events": as_json(listed)})


async def events_after(session: AsyncSession, key: Mapping[str, Any], after: int) -> list[Event]:
    """Events that this transaction has written so far, for the bus."""
    rows = await session.execute(sql.EVENTS_AFTER, {**key, "after": after, "limit": 10_000})
    return [Event(row.seq, row.type, row.data, row.created_at) for row in rows]
