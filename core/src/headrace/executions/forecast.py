"""When a running execution will end, from how long its steps took before and how many rows they get now (F16)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

SIZE_MIN, SIZE_MAX = 0.1, 10.0


class Step(Struct, frozen=True, kw_only=True):
    """A step of a running execution, and its past.

    Attributes:
        done: Whether it has ended here.
        elapsed_ms: Since its segment began, if that runs.
        rows: That it had here.
        past_rows: That it usually has.
        p10_ms: What it takes at best, usually (`p50_ms`), and at worst (`p90_ms`).
    """

    done: bool
    p10_ms: float
    p50_ms: float
    p90_ms: float
    elapsed_ms: float = 0
    rows: float | None = None
    past_rows: float | None = None


class Forecast(Struct, frozen=True):
    """Milliseconds that are left, from the least to the most; and how much of the work is done, 0 to 1."""

    progress: float
    low_ms: float
    left_ms: float
    high_ms: float


def forecast(steps: Sequence[Step], usual_ms: float | None) -> Forecast | None:
    """Forecast the rest; None without a past.

    Args:
        steps: All of them that have a past.
        usual_ms: How long the whole usually takes; steps beside each other make it less than their sum.
    """
    total = sum(step.p50_ms for step in steps)
    if total <= 0:
        return None
    seen = [(s.rows, s.past_rows) for s in steps if s.done and s.rows is not None and s.past_rows]
    before = sum(past for _, past in seen if past)
    size = min(max(sum(rows or 0 for rows, _ in seen) / before, SIZE_MIN), SIZE_MAX) if before else 1.0
    beside = min(usual_ms / total, 1.0) if usual_ms else 1.0
    open_ = [step for step in steps if not step.done]
    low, left, high = (
        sum(max(getattr(s, name) * size - s.elapsed_ms, 0) for s in open_) * beside
        for name in ("p10_ms", "p50_ms", "p90_ms")
    )
    done = sum(s.p50_ms for s in steps if s.done) + sum(min(s.elapsed_ms, 0.95 * s.p50_ms) for s in open_)
    return Forecast(min(done / total, 1.0), low, left, high)


_STEPS = sa.text("""
SELECT s.node_id, s.p10_ms, s.p50_ms, s.p90_ms, s.p50_rows, n.status IS NOT NULL AS done,
  coalesce(n.rows_in, n.rows_out) AS rows, f.p50_ms AS usual_ms,
  coalesce(CASE WHEN r.status = 'running' AND n.status IS NULL
    THEN extract(epoch FROM clock_timestamp() - r.started_at) * 1000 / jsonb_array_length(r.node_ids) END, 0)
    ::double precision AS elapsed_ms
FROM executions x
JOIN segment_runs r ON r.organization_id = x.organization_id AND r.execution_id = x.id
CROSS JOIN LATERAL jsonb_array_elements_text(r.node_ids) AS i(node_id)
JOIN node_statistics s ON s.organization_id = x.organization_id AND s.flow_id = x.flow_id AND s.node_id = i.node_id
LEFT JOIN flow_statistics f ON f.organization_id = x.organization_id AND f.flow_id = x.flow_id
LEFT JOIN node_executions n ON n.organization_id = x.organization_id AND n.execution_id = x.id
  AND n.node_id = i.node_id
WHERE x.organization_id = :organization_id AND x.id = :execution_id AND x.status = 'running' AND x.mode = 'flow'
""")
_AT = sa.text("""
SELECT clock_timestamp() + make_interval(secs => :low) AS eta_from, clock_timestamp() + make_interval(secs => :left)
  AS eta_at, clock_timestamp() + make_interval(secs => :high) AS eta_to
""")
NOTHING: dict[str, Any] = {"eta_at": None, "eta_from": None, "eta_to": None}


async def of_execution(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> dict[str, Any]:
    """`progress` and `eta_at` with its interval, for a running execution whose steps have a past."""
    key = {"organization_id": organization_id, "execution_id": execution_id}
    rows = (await session.execute(_STEPS, key)).all()
    steps = [
        Step(done=r.done, p10_ms=r.p10_ms, p50_ms=r.p50_ms, p90_ms=r.p90_ms, elapsed_ms=r.elapsed_ms, rows=r.rows,
             past_rows=r.p50_rows)
        for r in rows
    ]  # fmt: skip
    found = forecast(steps, rows[0].usual_ms if rows else None)
    if found is None:
        return NOTHING
    seconds = {"low": found.low_ms / 1000, "left": found.left_ms / 1000, "high": found.high_ms / 1000}
    at = (await session.execute(_AT, seconds)).mappings().one()
    return {"progress": round(found.progress, 4), **at}
