"""The relay: rows of the outbox become doorbells, then go. Any number of copies; a crash in between rings twice.

Fair between organizations: each has few doorbells in flight per queue, about as many as there are workers to hear them;
the rest waits here, in PostgreSQL, and organizations take turns. So one that asks for thousands stands in nobody's way.
"""

from __future__ import annotations

import asyncio
import contextlib

import sqlalchemy as sa
import structlog

from headrace.infra.database import Database
from headrace.infra.notify import listen
from headrace.infra.queue import Bell, Ringer
from headrace.sdk.errors import TransientError

CHANNEL = "headrace_outbox"
BATCH = 200
QUEUE_MAX = 10_000
"""Doorbells in flight per queue."""
FLIGHT_S = 3.0
"""A doorbell that nobody answered in this time counts as lost."""

TAKE = sa.text("""
WITH RECURSIVE tenants AS (
  (SELECT o.queue, o.organization_id FROM outbox o ORDER BY o.queue, o.organization_id LIMIT 1)
  UNION ALL
  SELECT n.queue, n.organization_id FROM tenants t CROSS JOIN LATERAL (
    SELECT o.queue, o.organization_id FROM outbox o WHERE (o.queue, o.organization_id) > (t.queue, t.organization_id)
    ORDER BY o.queue, o.organization_id LIMIT 1) n),
flying AS MATERIALIZED (
  SELECT queue, organization_id, count(*) AS n FROM segment_runs
  WHERE rung_at > clock_timestamp() - make_interval(secs => :flight_s) AND status IN ('ready', 'retry_wait', 'parked')
  GROUP BY queue, organization_id),
room AS MATERIALIZED (
  SELECT q.queue,
    greatest(4, 2 + coalesce(sum(CASE q.queue WHEN 'io' THEN w.waiting_slots ELSE w.slots END), 0)) AS each,
    :queue_max - coalesce((SELECT sum(f.n) FROM flying f WHERE f.queue = q.queue), 0) AS whole
  FROM (SELECT DISTINCT queue FROM tenants) q
  LEFT JOIN workers w ON q.queue = ANY(w.queues) AND w.heartbeat_at > clock_timestamp() - interval '30 s'
    AND NOT w.is_draining
  WHERE NOT EXISTS (SELECT 1 FROM paused_queues p WHERE p.queue = q.queue)
  GROUP BY q.queue),
turns AS (
  SELECT b.*, r.whole, (coalesce(f.n, 0) + row_number() OVER (PARTITION BY t.queue, t.organization_id
    ORDER BY b.priority DESC, b.id)) / (b.share * power(2, b.priority / 5.0)) AS turn
  FROM tenants t JOIN room r ON r.queue = t.queue
  LEFT JOIN flying f ON f.queue = t.queue AND f.organization_id = t.organization_id
  CROSS JOIN LATERAL (SELECT o.organization_id, o.id, o.execution_id, o.segment_no, o.queue, o.priority, o.share
    FROM outbox o
    WHERE o.queue = t.queue AND o.organization_id = t.organization_id ORDER BY o.priority DESC, o.id
    LIMIT greatest(0, r.each - coalesce(f.n, 0)) FOR UPDATE SKIP LOCKED) b),
bounded AS (SELECT t.*, row_number() OVER (PARTITION BY t.queue ORDER BY t.turn, t.id) AS place FROM turns t)
SELECT organization_id, id, execution_id, segment_no, queue FROM bounded
WHERE place <= whole ORDER BY turn, id LIMIT :limit
""")
"""Whose turn it is: the n-th doorbell of each organization before the (n+1)-th of any, of one with share 2 two for one;
five steps of priority count as twice the share. What is in flight counts as turns that were had."""
_SENT = sa.text("""
WITH gone AS (DELETE FROM outbox WHERE id = ANY(CAST(:ids AS bigint[]))),
s AS (
  SELECT n.organization_id, n.execution_id, n.segment_no FROM segment_runs n
  JOIN unnest(CAST(:organizations AS uuid[]), CAST(:executions AS uuid[]), CAST(:segments AS integer[]))
    AS b(organization_id, execution_id, segment_no) USING (organization_id, execution_id, segment_no)
  WHERE n.status IN ('ready', 'retry_wait', 'parked') FOR UPDATE OF n SKIP LOCKED)
UPDATE segment_runs n SET rung_at = clock_timestamp() FROM s
WHERE (n.organization_id, n.execution_id, n.segment_no) = (s.organization_id, s.execution_id, s.segment_no)
""")
_MORE = sa.text("""
SELECT EXISTS (SELECT 1 FROM outbox o WHERE NOT EXISTS (SELECT 1 FROM paused_queues p WHERE p.queue = o.queue))
""")

_log = structlog.get_logger("headrace.relay")


class Relay:
    """Sends what the outbox holds; woken by a notification, by itself every `poll_s`, and often while some wait."""

    def __init__(
        self, database: Database, database_url: str, ringer: Ringer, *, poll_s: float = 0.5, soon_s: float = 0.03
    ) -> None:
        self._database = database
        self._url = database_url
        self._ringer = ringer
        self._poll_s, self._soon_s = poll_s, soon_s
        self._wake = asyncio.Event()
        self._away = False

    async def serve(self) -> None:
        """Relay until cancelled."""
        listener = asyncio.create_task(listen(self._url, (CHANNEL,), lambda *_: self._wake.set()))
        pause_s, more = self._soon_s, True
        try:
            while True:
                self._wake.clear()
                if more or await self._more():
                    sent = await self._relay_all()
                    pause_s = self._soon_s if sent else min(2 * pause_s, self._poll_s)
                    more = sent or await self._more()
                more = await self._rest(pause_s if more else self._poll_s) or more
        finally:
            listener.cancel()

    async def _rest(self, pause_s: float) -> bool:
        """Rest until woken, or for a moment, which grows as long as some wait and nobody has room for them."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                return await self._wake.wait()
        return False

    async def _more(self) -> bool:
        try:
            async with self._database.transaction() as session:
                return bool(await session.scalar(_MORE))
        except TransientError:
            return False

    async def _relay_all(self) -> bool:
        """Send what there is room for. Returns whether that was anything."""
        many = sent = 0
        try:
            while (many := await self.relay()) == BATCH:
                sent += many
        except TransientError as error:
            if not self._away:
                _log.warning("relay waits", reason=error.message, detail=error.detail)
            self._away = True
            await asyncio.sleep(self._poll_s)
            return False
        if self._away:
            _log.info("relay goes on")
            self._away = False
        return sent + many > 0

    async def relay(self) -> int:
        """Send one batch and delete it. Returns how many there were.

        Raises:
            TransientError: Redis or the database is away; the rows stay.
        """
        async with self._database.transaction() as session:
            rows = (await session.execute(TAKE, {"limit": BATCH, "flight_s": FLIGHT_S, "queue_max": QUEUE_MAX})).all()
            if rows:
                bells = [Bell(row.organization_id, row.execution_id, row.segment_no, row.queue) for row in rows]
                await asyncio.to_thread(self._ringer.ring, bells)
                sent = {
                    "ids": [row.id for row in rows],
                    "organizations": [row.organization_id for row in rows],
                    "executions": [row.execution_id for row in rows],
                    "segments": [row.segment_no for row in rows],
                }
                await session.execute(_SENT, sent)
        return len(rows)
