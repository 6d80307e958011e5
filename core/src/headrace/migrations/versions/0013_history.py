"""History by months: what grows with executions is partitioned by their ids, which tell the time, ticks by theirs."""

from alembic import op
from headrace.infra import partitions
from headrace.infra.rls import enable_rls, revoke_changes, worker_policy

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None

_EXECUTION = "FOREIGN KEY (organization_id, execution_id) REFERENCES executions (organization_id, id) ON DELETE CASCADE"
_SEGMENT = """FOREIGN KEY (organization_id, execution_id, segment_no)
  REFERENCES segment_runs (organization_id, execution_id, segment_no) ON DELETE CASCADE"""
_TRIGGER = "FOREIGN KEY (organization_id, trigger_id) REFERENCES triggers (organization_id, id) ON DELETE CASCADE"

_TABLES = {
    "execution_events": ("execution_id", "organization_id, execution_id, seq", _EXECUTION),
    "execution_logs": ("execution_id", "organization_id, execution_id, id", _EXECUTION),
    "segment_attempts": ("execution_id", "organization_id, execution_id, fence", _SEGMENT),
    "node_executions": ("execution_id", "organization_id, execution_id, node_id", _SEGMENT),
    "trigger_ticks": ("fire_at", "organization_id, trigger_id, fire_at", _TRIGGER),
}
"""Which column tells the month, the primary key, which has that column, and what a row belongs to."""

_BEFORE = {**_TABLES, "segment_attempts": ("", "organization_id, fence", _SEGMENT)}

_INDEXES = """
CREATE INDEX ix_segment_attempts_execution_id ON segment_attempts (organization_id, execution_id, segment_no);
CREATE INDEX ix_segment_attempts_finished_at ON segment_attempts (organization_id, finished_at);
CREATE INDEX ix_trigger_ticks_created_at ON trigger_ticks (created_at);
"""
_ADDED = """
CREATE INDEX ix_execution_logs_node_id ON execution_logs (organization_id, execution_id, node_id, id);
CREATE INDEX ix_node_executions_taken ON node_executions (organization_id) WHERE cache_hit OR pinned;
CREATE INDEX ix_executions_details ON executions (organization_id, completed_at)
  WHERE completed_at IS NOT NULL AND compacted_at IS NULL;
"""


_NUMBERS = """
CREATE SEQUENCE log_seq;
SELECT setval('log_seq', max(id)) FROM execution_logs HAVING max(id) IS NOT NULL;
ALTER TABLE execution_logs ALTER COLUMN id SET DEFAULT nextval('log_seq');
"""
_IDENTITY = """
ALTER TABLE execution_logs ALTER COLUMN id DROP DEFAULT;
ALTER TABLE execution_logs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('execution_logs', 'id'), nextval('log_seq'));
DROP SEQUENCE log_seq;
"""


def upgrade() -> None:
    """Make each table anew, move its rows, close it; `headrace migrate` then makes the months that they need."""
    for table, (key, primary, parent) in _TABLES.items():
        _begin(table)
        _make(table, primary, parent, f"PARTITION BY RANGE ({key})")
        partitions.make_default(op.get_bind(), table)
        _move(table)
    op.execute(_INDEXES)
    op.execute(_ADDED)
    op.execute(_NUMBERS)
    for table in _TABLES:
        _close(table)


def downgrade() -> None:
    """One table each again."""
    op.execute("DROP INDEX ix_executions_details")
    for table, (_, primary, parent) in _BEFORE.items():
        _begin(table)
        _make(table, primary, parent)
        _move(table)
    op.execute("ALTER TABLE segment_attempts ADD UNIQUE (fence)")
    op.execute(_INDEXES)
    op.execute(_IDENTITY)
    for table in _TABLES:
        _close(table)


def _begin(table: str) -> None:
    """Set the table aside; its owner may see every row of it."""
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
    op.execute(f"ALTER TABLE {table} RENAME TO {table}_before")


def _make(table: str, primary: str, parent: str, how: str = "") -> None:
    op.execute(f"CREATE TABLE {table} (LIKE {table}_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS) {how}")
    op.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({primary}), ADD {parent}")


def _move(table: str) -> None:
    op.execute(f"INSERT INTO {table} TABLE {table}_before")
    op.execute(f"DROP TABLE {table}_before")


def _close(table: str) -> None:
    enable_rls(op, table)
    worker_policy(op, table)
    if table in {"execution_events", "execution_logs"}:
        revoke_changes(op, table)
