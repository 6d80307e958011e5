"""SQL of the scheduler: what is due, ticks, events, backfills. Static text; only the database's clock decides."""

from __future__ import annotations

import sqlalchemy as sa

DUE = sa.text("""
SELECT organization_id, id FROM triggers WHERE armed AND mode = 'time' AND wake_at <= clock_timestamp()
ORDER BY wake_at LIMIT 200
""")

FIELDS = """
t.organization_id, t.id, t.flow_id, t.name, t.type, t.mode, t.configuration, t.variables, t.state, t.misfire,
t.grace_s, t.max_pending, t.priority, t.next_fire_at, t.failures, clock_timestamp() AS now
"""

TAKE_DUE = sa.text(
    "SELECT"
    + FIELDS
    + "FROM triggers t WHERE t.organization_id = :organization_id AND t.id = ANY(CAST(:ids AS uuid[])) "
    "AND t.armed AND t.wake_at <= clock_timestamp() ORDER BY t.wake_at FOR NO KEY UPDATE SKIP LOCKED"
)

TAKE = sa.text(
    "SELECT" + FIELDS + "FROM triggers t WHERE t.organization_id = :organization_id AND t.id = :id AND t.armed "
    "FOR NO KEY UPDATE SKIP LOCKED"
)

OPEN = sa.text("""
SELECT count(*) FROM executions WHERE organization_id = :organization_id AND execution_details ? 'trigger_id'
  AND execution_details ->> 'trigger_id' = CAST(:id AS text)
  AND status IN ('queued', 'running', 'waiting', 'cancelling')
""")

TICK = sa.text("""
INSERT INTO trigger_ticks (organization_id, trigger_id, fire_at, outcome, missed)
VALUES (:organization_id, :id, :fire_at, :outcome, :missed) ON CONFLICT DO NOTHING RETURNING fire_at
""")

TICK_STARTED = sa.text("""
UPDATE trigger_ticks SET execution_id = :execution_id, outcome = :outcome, error = :error
WHERE organization_id = :organization_id AND trigger_id = :id AND fire_at = :fire_at
""")

ADVANCE = sa.text("""
UPDATE triggers SET next_fire_at = :next_fire_at, wake_at = :next_fire_at, state = state || CAST(:state AS jsonb),
  last_fired_at = coalesce(:fired_at, last_fired_at), last_execution_id = coalesce(:execution_id, last_execution_id),
  missed = missed + :missed, error = :error, failures = CASE WHEN CAST(:error AS text) IS NULL THEN 0
    ELSE failures + 1 END
WHERE organization_id = :organization_id AND id = :id
""")

POSTPONE = sa.text("""
UPDATE triggers SET wake_at = clock_timestamp() + make_interval(secs => :seconds),
  error = coalesce(:error, error), failures = failures + CASE WHEN CAST(:error AS text) IS NULL THEN 0 ELSE 1 END
WHERE organization_id = :organization_id AND id = :id AND armed
""")

FIRED = sa.text("""
UPDATE triggers SET last_fired_at = clock_timestamp(), last_execution_id = coalesce(:execution_id, last_execution_id),
  error = :error, failures = CASE WHEN CAST(:error AS text) IS NULL THEN 0 ELSE failures + 1 END
WHERE organization_id = :organization_id AND id = :id
""")

WAITING = sa.text("""
SELECT DISTINCT e.organization_id, e.trigger_id AS id FROM trigger_events e
JOIN triggers t ON t.organization_id = e.organization_id AND t.id = e.trigger_id
WHERE e.status = 'pending' AND t.armed LIMIT 200
""")

PENDING = sa.text("""
SELECT event_key, payload FROM trigger_events
WHERE organization_id = :organization_id AND trigger_id = :id AND status = 'pending' ORDER BY position LIMIT :limit
""")

SETTLE_EVENT = sa.text("""
UPDATE trigger_events SET status = :status, execution_id = :execution_id, error = :error,
  settled_at = clock_timestamp(), payload = '{}'
WHERE organization_id = :organization_id AND trigger_id = :id AND event_key = :event_key
""")

ADD_EVENTS = sa.text("""
INSERT INTO trigger_events (organization_id, trigger_id, event_key, payload)
SELECT :organization_id, :id, r.key, r.payload
FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS r(key text, payload jsonb) ON CONFLICT DO NOTHING
""")

NEXT_WAKE = sa.text("""
SELECT extract(epoch FROM least(
  (SELECT min(wake_at) FROM triggers WHERE armed AND mode = 'time'),
  (SELECT min(wake_at) FROM backfills WHERE status = 'running')) - clock_timestamp())::double precision
""")

DUE_BACKFILLS = sa.text("""
SELECT organization_id, id FROM backfills WHERE status = 'running' AND wake_at <= clock_timestamp()
ORDER BY wake_at LIMIT 100
""")

TAKE_BACKFILL = sa.text("""
SELECT * FROM backfills WHERE organization_id = :organization_id AND id = :id AND status = 'running'
  AND wake_at <= clock_timestamp() FOR NO KEY UPDATE SKIP LOCKED
""")

OPEN_SLICES = sa.text("""
SELECT count(*) FILTER (WHERE status IN ('queued', 'running', 'waiting', 'cancelling')) AS open,
  count(*) FILTER (WHERE status = 'completed') AS completed,
  count(*) FILTER (WHERE status IN ('failed', 'cancelled', 'timed_out')) AS failed
FROM executions WHERE organization_id = :organization_id AND execution_details ? 'backfill_id'
  AND execution_details ->> 'backfill_id' = CAST(:id AS text)
""")

ADVANCE_BACKFILL = sa.text("""
UPDATE backfills SET next_at = :next_at, started = started + :started, status = :status, error = :error,
  wake_at = clock_timestamp() + interval '500 ms',
  completed_at = CASE WHEN CAST(:status AS text) = 'running' THEN NULL ELSE clock_timestamp() END
WHERE organization_id = :organization_id AND id = :id
""")

FORGET_BATCH = 5_000
FORGET = (
    sa.text("""DELETE FROM trigger_events WHERE ctid = ANY(ARRAY(SELECT ctid FROM trigger_events
      WHERE status <> 'pending' AND created_at < clock_timestamp() - interval '30 days'
      LIMIT :limit FOR UPDATE SKIP LOCKED))"""),
    sa.text("""DELETE FROM trigger_keys WHERE ctid = ANY(ARRAY(SELECT k.ctid FROM trigger_keys k
      JOIN triggers t ON t.organization_id = k.organization_id AND t.id = k.trigger_id
      WHERE k.started_at < clock_timestamp()
        - make_interval(secs => 3600 * coalesce((t.configuration ->> 'unique_hours')::double precision, 24))
      LIMIT :limit FOR UPDATE OF k SKIP LOCKED))"""),
    sa.text("""DELETE FROM webhook_calls WHERE ctid = ANY(ARRAY(SELECT ctid FROM webhook_calls
      WHERE NOT stored AND created_at < clock_timestamp()
        - CASE outcome WHEN 'refused' THEN interval '1 day' ELSE interval '30 days' END
      LIMIT :limit FOR UPDATE SKIP LOCKED))"""),
    sa.text("""UPDATE webhook_calls SET delivery_id = NULL WHERE ctid = ANY(ARRAY(SELECT ctid FROM webhook_calls
      WHERE delivery_id IS NOT NULL AND created_at < clock_timestamp() - interval '24 hours'
      LIMIT :limit FOR UPDATE SKIP LOCKED))"""),
)
"""A batch each: these tables hold what makes a start exactly one, by keys that no partition could keep unique."""
