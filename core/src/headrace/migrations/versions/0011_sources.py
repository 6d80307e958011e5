"""Sources that hold something elsewhere: when their trigger or its flow is deleted, it is freed."""

from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

_RETIRE = """
ALTER TABLE triggers ADD COLUMN retire_at timestamptz;
CREATE INDEX ix_triggers_retire_at ON triggers (retire_at) WHERE retire_at IS NOT NULL;

CREATE FUNCTION headrace_trigger_retired() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.armed THEN
    NEW.retire_at := NULL;
  ELSIF NEW.retire_at IS NULL AND NEW.state ? 'holds' AND (NEW.deleted_at IS NOT NULL OR EXISTS (SELECT 1 FROM flows f
      WHERE f.organization_id = NEW.organization_id AND f.id = NEW.flow_id AND f.deleted_at IS NOT NULL)) THEN
    NEW.retire_at := clock_timestamp(); NEW.failures := 0; NEW.error := NULL;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER triggers_retired BEFORE UPDATE OF is_active, deleted_at ON triggers
  FOR EACH ROW EXECUTE FUNCTION headrace_trigger_retired();
"""


def upgrade() -> None:
    """Add the time at which a deleted trigger is retired; it fires after `triggers_armed`, by name."""
    op.execute(_RETIRE)


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TRIGGER triggers_retired ON triggers; DROP FUNCTION headrace_trigger_retired")
    op.execute("ALTER TABLE triggers DROP COLUMN retire_at")
