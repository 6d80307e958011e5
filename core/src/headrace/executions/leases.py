"""Leases of segments: claim one, keep it; a fence refuses whoever lost it (`settle.py`).

Functions take a session and commit nothing. `Event` records that they return are for the bus, after the commit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.messages import FrameRef, Problem
from headrace.executions import statements as sql
from headrace.executions.spec import SegmentSpec
from headrace.sdk.waiting import Resumed

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class Doorbell(Struct, frozen=True):
    """Which segment to look at; it grants nothing."""

    organization_id: UUID
    execution_id: UUID
    segment_no: int
    queue: str = ""
    """Where it was rung, if that is known."""


class Lease(Struct, frozen=True, kw_only=True):
    """A claimed segment. Whoever shows the newest fence holds it."""

    organization_id: UUID
    execution_id: UUID
    segment_no: int
    fence: int
    attempt: int = 0
    seen: int | None = None
    """The last event before its claim: what came after it is told with its end, if not before."""

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
    reuse: bool = False
    row_limit: int | None = None
    input_hash: str | None = None
    """Of an input that is too large for its row (`payloads`)."""
    failure: Problem | None = None
    queue: str = "light"
    alone: bool = False
    """It was among those in a runner that died: what it shares with others it may take down."""


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
    found = await claim_all(
        session, bell.organization_id, [bell], worker_id=worker_id, lease_s=lease_s, distributions=distributions,
        queues=queues,
    )  # fmt: skip
    return found[0] if found else None


async def claim_all(
    session: AsyncSession, organization_id: UUID, bells: Sequence[Doorbell], *, worker_id: UUID, lease_s: float,
    distributions: Sequence[str], queues: Sequence[str],
) -> list[Claim]:  # fmt: skip
    """Take those of an organization's segments that may be taken (`claim`)."""
    key = {"organization_id": organization_id}
    where = {
        **key, "executions": [bell.execution_id for bell in bells], "segments": [bell.segment_no for bell in bells],
        "worker_id": worker_id, "lease_s": lease_s, "distributions": list(distributions), "queues": list(queues),
    }  # fmt: skip
    rows = (await session.execute(sql.CLAIM, where)).all()
    if not rows:
        return []
    return [await _claim(session, organization_id, row) for row in rows]


async def _claim(session: AsyncSession, organization_id: UUID, row: Any) -> Claim:
    lease = Lease(
        organization_id=organization_id, execution_id=row.execution_id, segment_no=row.segment_no, fence=row.fence,
        attempt=row.attempt, seen=row.before,
    )  # fmt: skip
    spec = msgspec.convert(row.spec, SegmentSpec)
    resumed: Resumed | None = None
    results: tuple[FrameRef, ...] = ()
    failure = (row.resume or {}).get("failure")
    if row.parked is not None and failure is None:
        from headrace.executions import families

        parked = families.waited(row.parked)
        if parked is not None:
            resumed, results = await families.resumed(session, lease, parked, row.resume)
    return Claim(
        lease=lease, spec=spec, error_count=row.error_count, params=row.params, input_data=row.input_data,
        observe=row.observe, reuse=row.reuse, row_limit=row.row_limit, resumed=resumed, results=results,
        queue=row.queue, alone=row.alone, input_hash=row.input_hash,
        failure=msgspec.convert(failure, Problem) if failure else None,
        inputs={**spec.given, **msgspec.convert(row.frames, dict[str, FrameRef])},
    )  # fmt: skip


async def candidates(
    session: AsyncSession, *, distributions: Sequence[str], queues: Sequence[str], limit: int
) -> list[Doorbell]:
    """Segments that could be claimed now; for dispatch without the message queue."""
    rows = await session.execute(
        sql.CANDIDATES, {"distributions": list(distributions), "queues": list(queues), "limit": limit}
    )
    return [Doorbell(row.organization_id, row.execution_id, row.segment_no, row.queue) for row in rows]


async def heartbeat(session: AsyncSession, leases: Sequence[Lease], *, lease_s: float) -> dict[int, bool]:
    """Extend leases. Returns fence -> whether to stop; a fence that is missing is lost."""
    rows = await session.execute(
        sql.HEARTBEAT,
        {
            "lease_s": lease_s,
            "organizations": [lease.organization_id for lease in leases],
            **each(leases),
            "fences": [lease.fence for lease in leases],
        },
    )
    return {row.fence: row.stop for row in rows}


def events_json(events: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """Events `(type, data)` as statements take them."""
    return as_json([{"type": kind, "data": data} for kind, data in events])


async def append_events(
    session: AsyncSession, key: Mapping[str, Any], events: Sequence[tuple[str, dict[str, Any]]]
) -> None:
    """Write events with the next sequence numbers; the caller holds the lock on the execution."""
    await session.execute(sql.EVENTS, {**key, "events": events_json(events)})


async def events_of(
    session: AsyncSession, organization_id: UUID, after: Sequence[tuple[UUID, int]]
) -> dict[UUID, list[Event]]:
    """Of each execution the events above a sequence number, with those that this transaction has written so far."""
    first: dict[UUID, int] = {}
    for execution_id, seq in after:
        first[execution_id] = min(seq, first.get(execution_id, seq))
    if not first:
        return {}
    asked = {**span(first), "executions": list(first), "afters": list(first.values())}
    found: dict[UUID, list[Event]] = {execution_id: [] for execution_id in first}
    for row in await session.execute(sql.EVENTS_OF, {"organization_id": organization_id, **asked}):
        found[row.execution_id].append(Event(row.seq, row.type, row.data, row.created_at))
    return found


def span(executions: Collection[UUID]) -> dict[str, UUID]:
    """The oldest and the newest of some executions, for statements on tables by month."""
    return {"first": min(executions), "last": max(executions)}


def each(leases: Sequence[Lease]) -> dict[str, Any]:
    """Parameters that name segments."""
    return {
        "executions": [lease.execution_id for lease in leases], "segments": [lease.segment_no for lease in leases],
    }  # fmt: skip
