"""Letting in: one of thousands of items that wait costs the same as one of ten."""

from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

_OPEN_CHILDREN = """
CREATE INDEX ix_executions_open_children ON executions (organization_id, parent_execution_id, parent_segment_no)
  WHERE parent_execution_id IS NOT NULL AND status IN ('queued', 'running', 'waiting', 'cancelling');
CREATE INDEX ix_executions_failed_children ON executions (organization_id, parent_execution_id, parent_segment_no)
  WHERE parent_execution_id IS NOT NULL AND status IN ('failed', 'cancelled', 'timed_out');
"""

_ADMIT = """
CREATE OR REPLACE FUNCTION headrace_admit(organization uuid, wanted text, most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE candidate uuid; entered integer := 0; free boolean;
BEGIN
  -- The caller holds the lock of `wanted`. Each statement below sees what was committed before it began, so the count
  -- after the other locks are held is exact; a key that somebody else holds is tried by them, or by the reconciler.
  -- Candidates come in the order of the index, so that thousands who wait are not looked at to let in one; statistics
  -- lag behind when they have just come, and must not choose another way.
  FOR candidate IN
    SELECT s.execution_id FROM execution_slots s
    WHERE s.organization_id = organization AND s.key = wanted AND NOT s.taken
      AND coalesce((SELECT bool_and(headrace_taken(organization, o.key) < o.capacity) FROM execution_slots o
        WHERE o.organization_id = organization AND o.execution_id = s.execution_id AND o.key <> wanted), true)
    ORDER BY s.priority DESC, s.position LIMIT most + 20
  LOOP
    EXIT WHEN entered >= most OR headrace_taken(organization, wanted) >= (SELECT o.capacity FROM execution_slots o
      WHERE o.organization_id = organization AND o.key = wanted AND o.execution_id = candidate);
    PERFORM 1 FROM executions x WHERE x.organization_id = organization AND x.id = candidate
      AND x.held AND x.status IN ('queued', 'waiting') AND x.closing IS NULL FOR UPDATE SKIP LOCKED;
    CONTINUE WHEN NOT FOUND;
    SELECT bool_and(pg_try_advisory_xact_lock(hashtextextended(organization || ':' || o.key, 7))) INTO free
    FROM execution_slots o WHERE o.organization_id = organization AND o.execution_id = candidate;
    CONTINUE WHEN NOT free;
    SELECT bool_and(headrace_taken(organization, o.key) < o.capacity) INTO free
    FROM execution_slots o WHERE o.organization_id = organization AND o.execution_id = candidate;
    CONTINUE WHEN NOT free;
    UPDATE execution_slots SET taken = true WHERE organization_id = organization AND execution_id = candidate;
    UPDATE executions SET held = false WHERE organization_id = organization AND id = candidate;
    INSERT INTO outbox (organization_id, execution_id, segment_no, queue)
    SELECT n.organization_id, n.execution_id, n.segment_no, n.queue FROM segment_runs n
    WHERE n.organization_id = organization AND n.execution_id = candidate AND n.status = 'ready';
    entered := entered + 1;
  END LOOP;
  RETURN entered;
END $$;
"""


def upgrade() -> None:
    """Let in by the index."""
    op.execute(_OPEN_CHILDREN)
    op.execute(_ADMIT)


def downgrade() -> None:
    """Drop the indexes; the function keeps its promise either way."""
    op.execute("DROP INDEX ix_executions_open_children, ix_executions_failed_children")
