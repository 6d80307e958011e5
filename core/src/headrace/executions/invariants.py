"""What must always hold of executions (durability.md 4.7), as SQL for `headrace doctor --deep` and the fault tests.

Run it as the worker role. Not here: I1 needs the caller's list of accepted ids, I7 the target's ledger, I10 schedules.
"""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

SHOWN = 20


class Violation(Struct, frozen=True):
    """An invariant that does not hold: its id, what it says, and some of the places."""

    id: str
    rule: str
    places: tuple[str, ...]


_STUCK = sa.text("""
SELECT x.id::text FROM executions x
WHERE (x.status IN ('completed', 'failed', 'cancelled', 'timed_out')) <> (x.segments_open = 0) LIMIT :limit
""")
_SUCCESS = sa.text("""
SELECT n.execution_id || '/' || n.segment_no FROM segment_runs n
LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE outcome = 'completed') AS done,
    max(fence) FILTER (WHERE outcome = 'completed') AS best, max(fence) FILTER (WHERE finished_at IS NOT NULL) AS last
  FROM segment_attempts a WHERE a.organization_id = n.organization_id AND a.execution_id = n.execution_id
    AND a.segment_no = n.segment_no) a ON true
WHERE a.done <> (n.status = 'completed')::int OR (a.done = 1 AND a.best <> a.last) LIMIT :limit
""")
_ORDER = sa.text("""
SELECT c.execution_id || '/' || c.segment_no FROM segment_runs c
JOIN segment_runs p ON p.organization_id = c.organization_id AND p.execution_id = c.execution_id
  AND p.segment_no = ANY(c.depends_on)
JOIN segment_attempts a ON a.organization_id = c.organization_id AND a.execution_id = c.execution_id
  AND a.segment_no = c.segment_no
WHERE p.status <> 'completed' OR a.started_at < p.finished_at LIMIT :limit
""")
_OPEN = sa.text("""
SELECT x.id::text FROM executions x
LEFT JOIN LATERAL (SELECT count(*) AS total,
    count(*) FILTER (WHERE n.status IN ('waiting', 'ready', 'running', 'retry_wait')) AS open
  FROM segment_runs n WHERE n.organization_id = x.organization_id AND n.execution_id = x.id) n ON true
WHERE x.segments_open <> n.open OR x.segments_total <> n.total LIMIT :limit
""")
_DEPENDENCIES = sa.text("""
SELECT c.execution_id || '/' || c.segment_no FROM segment_runs c
LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE p.status <> 'completed') AS open FROM segment_runs p
  WHERE p.organization_id = c.organization_id AND p.execution_id = c.execution_id
    AND p.segment_no = ANY(c.depends_on)) p ON true
WHERE c.status NOT IN ('skipped', 'cancelled') AND c.deps_open <> p.open LIMIT :limit
""")
_TERMINAL = sa.text("""
SELECT e.execution_id::text FROM execution_events e
WHERE e.type = 'execution_update' AND e.data ->> 'status' IN ('completed', 'failed', 'cancelled', 'timed_out')
GROUP BY e.organization_id, e.execution_id HAVING count(*) > 1 LIMIT :limit
""")
_AFTER_CANCEL = sa.text("""
SELECT a.execution_id || '/' || a.segment_no FROM segment_attempts a
JOIN executions x ON x.organization_id = a.organization_id AND x.id = a.execution_id
WHERE a.started_at > x.cancel_requested_at LIMIT :limit
""")
_FENCES = sa.text("""
SELECT a.execution_id || '/' || a.segment_no FROM (
  SELECT execution_id, segment_no, attempt, fence,
    lag(attempt, 1, 0) OVER w AS before, lag(fence, 1, 0::bigint) OVER w AS fence_before
  FROM segment_attempts WINDOW w AS (PARTITION BY organization_id, execution_id, segment_no ORDER BY fence)) a
WHERE a.attempt <> a.before + 1 OR a.fence <= a.fence_before LIMIT :limit
""")
_GAPS = sa.text("""
SELECT x.id::text FROM executions x
LEFT JOIN LATERAL (SELECT count(*) AS n, coalesce(min(e.seq), 1) AS low, coalesce(max(e.seq), 0) AS high
  FROM execution_events e WHERE e.organization_id = x.organization_id AND e.execution_id = x.id) e ON true
WHERE e.low <> 1 OR e.high <> e.n OR x.event_seq <> e.n LIMIT :limit
""")
_TENANT = sa.text("""
SELECT x.id::text FROM executions x
LEFT JOIN executions p ON p.id = x.parent_execution_id
WHERE p.organization_id <> x.organization_id
UNION ALL
SELECT n.execution_id::text FROM node_executions n CROSS JOIN LATERAL jsonb_each(n.outputs) o
WHERE NOT starts_with(o.value ->> 'key', n.organization_id || '/') LIMIT :limit
""")

RULES: tuple[tuple[str, str, sa.TextClause], ...] = (
    ("I2", "an execution has ended exactly when none of its segments is open", _STUCK),
    ("I3", "a completed segment has one successful attempt, its newest that finished; others have none", _SUCCESS),
    ("I4", "no segment starts before those that it needs have completed", _ORDER),
    ("I5", "segments_open and segments_total count the segments", _OPEN),
    ("I5b", "deps_open counts the segments that one still waits for", _DEPENDENCIES),
    ("I6", "an execution ends once", _TERMINAL),
    ("I8", "no attempt starts after a cancel was acknowledged", _AFTER_CANCEL),
    ("I9", "attempts count up by one, fences rise", _FENCES),
    ("I11", "events have no gaps", _GAPS),
    ("I12", "every reference and every stored output stays in its organization", _TENANT),
)


async def check(session: AsyncSession) -> list[Violation]:
    """Every invariant that does not hold now; empty is what it should be."""
    found = []
    for id_, rule, query in RULES:
        places = (await session.scalars(query, {"limit": SHOWN})).all()
        if places:
            found.append(Violation(id_, rule, tuple(places)))
    return found
