"""Rotation of keys: which columns hold blobs, which keys are retired, whose installation it is."""

from alembic import op
from headrace.infra.rls import WORKER_ROLE, mark_sealed

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_LOOK = f"CREATE POLICY worker ON data_keys FOR SELECT TO {WORKER_ROLE} USING (true)"
_KEYS = """
ALTER TABLE data_keys ADD COLUMN retired_at timestamptz;
ALTER TABLE data_keys NO FORCE ROW LEVEL SECURITY;
INSERT INTO instance_state (key, value)
  SELECT 'master_keys', jsonb_agg(DISTINCT split_part(wrapped, '.', 2)) FROM data_keys HAVING count(*) > 0;
ALTER TABLE data_keys FORCE ROW LEVEL SECURITY;
"""
"""Blobs stay as they are; the master keys that have wrapped data keys are those of this installation."""

_TELL = """
DROP TRIGGER connections_tell ON connections;
CREATE TRIGGER connections_tell AFTER UPDATE ON connections FOR EACH ROW
  WHEN (to_jsonb(NEW) - 'config' IS DISTINCT FROM to_jsonb(OLD) - 'config')
  EXECUTE FUNCTION headrace_tell_connection();
"""
"""A config under another key is the same config: nobody is told. A change by a person changes `updated_at` as well."""

_TELL_ALL = """
DROP TRIGGER connections_tell ON connections;
CREATE TRIGGER connections_tell AFTER UPDATE ON connections FOR EACH ROW EXECUTE FUNCTION headrace_tell_connection();
"""


def upgrade() -> None:
    """Note what there is."""
    op.execute(_LOOK)
    op.execute(_KEYS)
    op.execute(_TELL)
    mark_sealed(op, "connections", "config")
    mark_sealed(op, "triggers", "secrets")
    mark_sealed(op, "event_subscriptions", "secrets")
    mark_sealed(op, "idempotency_keys", "answer")
    mark_sealed(op, "second_factors", "secret", personal=True)


def downgrade() -> None:
    """Forget it; older code reads the same blobs, under whichever key."""
    op.execute(_TELL_ALL)
    op.execute("DROP POLICY worker ON data_keys")
    op.execute("ALTER TABLE data_keys DROP COLUMN retired_at")
    op.execute("DELETE FROM instance_state WHERE key = 'master_keys'")
    for table, column in (
        ("connections", "config"), ("triggers", "secrets"), ("event_subscriptions", "secrets"),
        ("idempotency_keys", "answer"), ("second_factors", "secret"),
    ):  # fmt: skip
        mark_sealed(op, table, column, off=True)
