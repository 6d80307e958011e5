"""Backfills: a flow executed for each step of a time span, a few at a time, behind everything else."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access.resolve import reach_of
from headrace.access.statements import FLOWS
from headrace.executions.leases import as_json
from headrace.flows import service as flows
from headrace.infra.ids import new_id
from headrace.plugins.manager import Host
from headrace.sdk.errors import ConfigError, Conflict, HeadraceError, NotFound, TransientError
from headrace.sdk.triggers import zone_of
from headrace.triggers import statements as sql
from headrace.triggers.starting import launch, prepare

PRIORITY = -10
SLICES_MAX = 100_000
_STEP = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d|w|mo)\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3_600}

_CREATE = sa.text("""
INSERT INTO backfills (organization_id, id, flow_id, from_at, to_at, step, timezone, parallelism, priority, variables,
  next_at, created_by)
VALUES (:organization_id, :id, :flow_id, :from_at, :to_at, :step, :timezone, :parallelism, :priority,
  CAST(:variables AS jsonb), :from_at, :user_id)
""")
_SELECT = "SELECT b.*, count(*) OVER () AS total FROM backfills b WHERE b.organization_id = :organization_id "
_GET = sa.text(_SELECT + "AND b.id = :id")
_OF_FLOW = "AND (CAST(:flow_id AS uuid) IS NULL OR b.flow_id = CAST(:flow_id AS uuid))"
_PAGE = " ORDER BY b.created_at DESC LIMIT :limit OFFSET :offset"
_LIST = sa.text(_SELECT + _OF_FLOW + _PAGE)
_LIST_WITHIN = sa.text(_SELECT + _OF_FLOW + " AND (b.flow_id IN (" + FLOWS + ")) IS TRUE" + _PAGE)
_CHANGE = sa.text("""
UPDATE backfills SET status = :status, wake_at = clock_timestamp(),
  completed_at = CASE WHEN CAST(:status AS text) = 'cancelled' THEN clock_timestamp() END
WHERE organization_id = :organization_id AND id = :id AND status IN ('running', 'paused')
""")


def step_of(text: str) -> tuple[int, str]:
    """A step like 15m, 1h, 1d, 1w or 1mo.

    Raises:
        ConfigError: it is none.
    """
    found = _STEP.match(text)
    if found is None:
        raise ConfigError(f"'{text}' is no step; write a number and s, m, h, d, w or mo, e.g. 1d", field="step")
    return int(found[1]), found[2]


def after_step(start: datetime, text: str, zone: ZoneInfo, number: int) -> datetime:
    """`start` and `number` steps; days, weeks and months keep the time of day in the zone."""
    count, unit = step_of(text)
    if unit in _SECONDS:
        return start + timedelta(seconds=count * number * _SECONDS[unit])
    local = start.astimezone(zone).replace(tzinfo=None)
    if unit == "mo":
        months = local.year * 12 + local.month - 1 + count * number
        year, month = divmod(months, 12)
        local = local.replace(year=year, month=month + 1, day=min(local.day, calendar.monthrange(year, month + 1)[1]))
    else:
        local += timedelta(days=count * number * (7 if unit == "w" else 1))
    return local.replace(tzinfo=zone).astimezone(UTC)


async def create(
    session: AsyncSession, actor: Any, *, flow_id: UUID, from_at: datetime, to_at: datetime, step: str,
    timezone: str = "UTC", parallelism: int = 1, variables: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Begin a backfill of a flow.

    Raises:
        ConfigError: the span is empty, or has more than 100,000 steps.
        NotFound: there is no such flow.
    """
    await flows.get(session, actor, flow_id)
    zone = zone_of(timezone)
    for name, value in (("from", from_at), ("to", to_at)):
        if value.tzinfo is None:
            raise ConfigError(f"write '{name}' with an offset, e.g. 2026-03-01T00:00:00+01:00", field=name)
    if from_at >= to_at:
        raise ConfigError("the span is empty; `from` lies before `to`", field="to")
    try:
        many = after_step(from_at, step, zone, SLICES_MAX) < to_at
    except (OverflowError, ValueError):
        many = False
    if many:
        raise ConfigError(f"the span has more than {SLICES_MAX:,} steps; take a longer step", field="step")
    made = new_id()
    await session.execute(
        _CREATE,
        {"organization_id": actor.organization_id, "id": made, "flow_id": flow_id, "from_at": from_at, "to_at": to_at,
         "step": step, "timezone": timezone, "parallelism": parallelism, "priority": PRIORITY,
         "variables": as_json(variables or {}), "user_id": actor.user_id},
    )  # fmt: skip
    return await get(session, actor, made)


async def get(session: AsyncSession, actor: Any, backfill_id: UUID) -> dict[str, Any]:
    """A backfill and how far it is.

    Raises:
        NotFound: there is none.
    """
    key = {"organization_id": actor.organization_id, "id": backfill_id}
    row = (await session.execute(_GET, key)).mappings().one_or_none()
    if row is None:
        raise NotFound("there is no such backfill", resource="backfill")
    counts = (await session.execute(sql.OPEN_SLICES, key)).mappings().one()
    return {**row, **counts}


async def list_(
    session: AsyncSession, actor: Any, *, flow_id: UUID | None = None, limit: int = 20, offset: int = 0
) -> tuple[Sequence[dict[str, Any]], int]:
    """Backfills that the actor may read, newest first."""
    within = reach_of(actor, "schedule:read")
    where = {"organization_id": actor.organization_id, "flow_id": flow_id, "limit": limit, "offset": offset}
    query = _LIST if within is None else _LIST_WITHIN
    rows = [dict(row) for row in (await session.execute(query, {**where, **(within or {})})).mappings()]
    return rows, rows[0]["total"] if rows else 0


async def change(session: AsyncSession, actor: Any, backfill_id: UUID, status: str) -> dict[str, Any]:
    """Pause, go on or cancel; executions that have started go on.

    Raises:
        Conflict: it has ended.
    """
    before = await get(session, actor, backfill_id)
    key = {"organization_id": actor.organization_id, "id": backfill_id}
    changed = await session.execute(_CHANGE, {**key, "status": status})
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        raise Conflict(f"the backfill is {before['status']} and stays so; start another one")
    return await get(session, actor, backfill_id)


async def advance(session: AsyncSession, host: Host, key: dict[str, Any]) -> int:
    """Start the next steps of a backfill, as many as may run at once. Returns how many."""
    row = (await session.execute(sql.TAKE_BACKFILL, key)).one_or_none()
    if row is None:
        return 0
    open_ = (await session.execute(sql.OPEN_SLICES, key)).one().open
    zone, number, at, started = zone_of(row.timezone), row.started, row.next_at, 0
    status, error = "running", None
    try:
        prepared = None
        while at < row.to_at and open_ + started < row.parallelism:
            number += 1
            end = min(after_step(row.from_at, row.step, zone, number), row.to_at)
            if end <= at:  # a day that its zone left out
                continue
            prepared = prepared or await prepare(session, host, row.organization_id, row.flow_id, row.variables)
            one = {"interval_start": at, "interval_end": end}
            await launch(
                session, host, prepared, trigger_type="backfill", key=f"backfill:{row.id}:{at.isoformat()}",
                priority=row.priority, interval=(at, end), details={"backfill_id": str(row.id)},
                input_data={"rows": [one], "trigger": {"type": "backfill", "id": row.id}},
            )  # fmt: skip
            at, started = end, started + 1
    except TransientError:
        raise
    except HeadraceError as problem:
        status, error = "failed", problem.message
    if status == "running" and at >= row.to_at and open_ + started == 0:
        status = "completed"
    await session.execute(
        sql.ADVANCE_BACKFILL, {**key, "next_at": at, "started": started, "status": status, "error": error}
    )
    return started
