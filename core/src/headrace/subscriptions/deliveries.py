"""Deliveries of events: what is due, what became of it, the log, and once more. Functions take a session.

The database writes a delivery in the transaction of what it tells; it stays `pending` until the receiver has it or a
week has passed. The clock is the database's.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.sdk.errors import NotFound

EACH, AT_ONCE = 5, 40
"""Deliveries that are taken at once: of one subscription, and in all."""
LEASE_S = 60.0
BACK_OFF_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
BREAKS = 5
"""Failures in a row after which the circuit opens; then one delivery at a time finds out whether it may close."""
GIVE_UP_DAYS = 7

_TAKE = sa.text("""
WITH due AS (
  SELECT d.organization_id, d.id, d.created_at FROM event_subscriptions s CROSS JOIN LATERAL (
    SELECT p.organization_id, p.id, p.created_at FROM event_deliveries p
    WHERE p.organization_id = s.organization_id AND p.subscription_id = s.id AND p.status = 'pending'
      AND p.next_at <= clock_timestamp()
    ORDER BY p.next_at LIMIT CASE WHEN s.failures >= :breaks THEN 1 ELSE :each END FOR NO KEY UPDATE SKIP LOCKED) d
  WHERE s.is_active AND (s.open_until IS NULL OR s.open_until <= clock_timestamp()) LIMIT :at_once)
UPDATE event_deliveries e SET attempts = e.attempts + 1, next_at = clock_timestamp() + make_interval(secs => :lease_s)
FROM due, event_subscriptions s
WHERE e.organization_id = due.organization_id AND e.id = due.id AND e.created_at = due.created_at
  AND s.organization_id = e.organization_id AND s.id = e.subscription_id
RETURNING e.organization_id, e.id, e.subscription_id, e.event_id, e.payload, e.attempts, s.url, s.secrets,
  s.previous_until > clock_timestamp() AS both
""")
_RECORD = sa.text("""
UPDATE event_deliveries SET status_code = :status_code, error = :error,
  status = CASE WHEN :delivered THEN 'delivered'
    WHEN since < clock_timestamp() - make_interval(days => :give_up_days) THEN 'failed' ELSE 'pending' END,
  settled_at = CASE WHEN :delivered OR since < clock_timestamp() - make_interval(days => :give_up_days)
    THEN clock_timestamp() END,
  next_at = clock_timestamp() + make_interval(secs => :again_s),
  log = CASE WHEN jsonb_array_length(log) >= 20 THEN log - 0 ELSE log END || jsonb_build_object('at', clock_timestamp(),
    'status_code', CAST(:status_code AS integer), 'error', CAST(:error AS text), 'ms', CAST(:ms AS integer))
WHERE organization_id = :organization_id AND id = :id AND status = 'pending' AND (:delivered OR attempts = :attempts)
""")
_CIRCUIT = sa.text("""
UPDATE event_subscriptions SET failures = CASE WHEN :delivered THEN 0 ELSE failures + 1 END,
  open_until = CASE WHEN NOT :delivered AND failures + 1 >= :breaks
    THEN clock_timestamp() + make_interval(secs => least(3600, 30 * power(2, least(failures + 1 - :breaks, 7)))) END,
  error = :error, is_active = is_active AND NOT :gone,
  last_delivered_at = CASE WHEN :delivered THEN clock_timestamp() ELSE last_delivered_at END
WHERE organization_id = :organization_id AND id = :subscription_id
""")
_NEXT = sa.text("""
SELECT extract(epoch FROM min(d.next_at) - clock_timestamp())::double precision FROM event_deliveries d
JOIN event_subscriptions s ON s.organization_id = d.organization_id AND s.id = d.subscription_id
WHERE d.status = 'pending' AND s.is_active AND (s.open_until IS NULL OR s.open_until <= clock_timestamp())
""")
_FIELDS = """
SELECT id, event_id, event, payload, status, attempts, next_at, status_code, error, log, created_at, settled_at,
  count(*) OVER () AS total FROM event_deliveries
WHERE organization_id = :organization_id AND subscription_id = :subscription_id
"""
_LIST = sa.text(
    _FIELDS + " AND (CAST(:status AS text) IS NULL OR status = CAST(:status AS text)) "
    "ORDER BY created_at DESC, id LIMIT :limit OFFSET :offset"
)
_AGAIN = sa.text("""
UPDATE event_deliveries SET status = 'pending', next_at = clock_timestamp(), since = clock_timestamp(),
  settled_at = NULL
WHERE organization_id = :organization_id AND subscription_id = :subscription_id
  AND ((CAST(:id AS uuid) IS NULL AND status = 'failed') OR id = CAST(:id AS uuid)) RETURNING id
""")
_TEST = sa.text("""
INSERT INTO event_deliveries (organization_id, id, subscription_id, event_id, event, payload)
VALUES (:organization_id, gen_random_uuid(), :subscription_id, gen_random_uuid(), 'test',
  jsonb_build_object('type', 'test', 'timestamp', clock_timestamp(), 'data', jsonb_build_object('subscription_id',
    CAST(:subscription_id AS text)))) RETURNING id
""")
_WAKE = sa.text("SELECT pg_notify('headrace_events', '')")


class Taken(Struct, frozen=True, kw_only=True):
    """A delivery that this process sends."""

    organization_id: UUID
    id: UUID
    subscription_id: UUID
    event_id: UUID
    payload: dict[str, Any]
    attempts: int
    url: str
    secrets: str
    both: bool | None


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of an attempt; `error` is empty when the receiver has it."""

    status_code: int | None = None
    error: str = ""
    ms: int = 0


async def take(session: AsyncSession) -> list[Taken]:
    """Deliveries that are due, a few of each subscription whose circuit is closed, one of each that tries again."""
    where = {"breaks": BREAKS, "each": EACH, "at_once": AT_ONCE, "lease_s": LEASE_S}
    return [Taken(**row) for row in (await session.execute(_TAKE, where)).mappings()]


async def record(session: AsyncSession, taken: Taken, outcome: Outcome) -> None:
    """Write down an attempt, and open or close the circuit of its subscription."""
    key = {"organization_id": taken.organization_id, "subscription_id": taken.subscription_id}
    told = {"delivered": not outcome.error, "error": outcome.error or None, "status_code": outcome.status_code}
    again_s = BACK_OFF_S[min(taken.attempts, len(BACK_OFF_S)) - 1]
    await session.execute(_RECORD, {
        **told, "organization_id": taken.organization_id, "id": taken.id, "attempts": taken.attempts, "ms": outcome.ms,
        "again_s": again_s, "give_up_days": GIVE_UP_DAYS,
    })  # fmt: skip
    await session.execute(_CIRCUIT, {
        "delivered": told["delivered"], "error": told["error"], **key, "breaks": BREAKS,
        "gone": outcome.status_code == 410,
    })  # fmt: skip


async def due_in(session: AsyncSession) -> float | None:
    """Seconds until the next delivery is due; None when none is."""
    found = await session.scalar(_NEXT)
    return None if found is None else float(found)


async def list_(
    session: AsyncSession, organization_id: UUID, subscription_id: UUID, *, status: str | None = None, limit: int = 20,
    offset: int = 0,
) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
    """The log of a subscription, newest first."""
    where = {"organization_id": organization_id, "subscription_id": subscription_id, "status": status,
             "limit": limit, "offset": offset}  # fmt: skip
    rows = [dict(row) for row in (await session.execute(_LIST, where)).mappings()]
    return rows, rows[0]["total"] if rows else 0


async def again(
    session: AsyncSession, organization_id: UUID, subscription_id: UUID, delivery_id: UUID | None = None
) -> int:
    """Send a delivery once more, under the same id; without one, all that were given up. Returns how many.

    Raises:
        NotFound: there is no such delivery.
    """
    where = {"organization_id": organization_id, "subscription_id": subscription_id, "id": delivery_id}
    ids = (await session.scalars(_AGAIN, where)).all()
    if delivery_id is not None and not ids:
        raise NotFound("there is no such delivery", resource="delivery")
    await session.execute(_WAKE)
    return len(ids)


async def test(session: AsyncSession, organization_id: UUID, subscription_id: UUID) -> UUID:
    """Tell a subscription something of no meaning. Returns the delivery's id."""
    made = await session.scalar(_TEST, {"organization_id": organization_id, "subscription_id": subscription_id})
    await session.execute(_WAKE)
    return UUID(str(made))
