"""Three more tables by months, by when their rows were made: repeats of triggers, updates of assets, deliveries."""

from alembic import op
from headrace.infra import partitions
from headrace.infra.rls import enable_rls, worker_policy

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_PARENT = "FOREIGN KEY (organization_id, {0}) REFERENCES {1} (organization_id, id) ON DELETE CASCADE"
_TABLES = {
    "trigger_duplicates": ("organization_id, id", _PARENT.format("trigger_id", "triggers")),
    "asset_updates": ("organization_id, asset_id, number", _PARENT.format("asset_id", "assets")),
    "event_deliveries": ("organization_id, id", _PARENT.format("subscription_id", "event_subscriptions")),
}
"""The primary key, which gets `created_at` too, and what a row belongs to."""

_INDEXES = """
CREATE INDEX ix_trigger_duplicates_trigger_id ON trigger_duplicates (organization_id, trigger_id, id DESC);
CREATE INDEX ix_trigger_duplicates_created_at ON trigger_duplicates (created_at);
CREATE INDEX ix_asset_updates_execution_id ON asset_updates (organization_id, execution_id);
CREATE INDEX ix_asset_updates_created_at ON asset_updates (created_at);
CREATE INDEX ix_event_deliveries_due ON event_deliveries (organization_id, subscription_id, next_at)
  WHERE status = 'pending';
CREATE INDEX ix_event_deliveries_subscription_id
  ON event_deliveries (organization_id, subscription_id, created_at DESC);
CREATE INDEX ix_event_deliveries_created_at ON event_deliveries (created_at) WHERE status <> 'pending';
"""
_NUMBERS = """
CREATE SEQUENCE trigger_duplicate_seq;
SELECT setval('trigger_duplicate_seq', max(id)) FROM trigger_duplicates HAVING max(id) IS NOT NULL;
ALTER TABLE trigger_duplicates ALTER COLUMN id SET DEFAULT nextval('trigger_duplicate_seq');
"""
_IDENTITY = """
ALTER TABLE trigger_duplicates ALTER COLUMN id DROP DEFAULT;
ALTER TABLE trigger_duplicates ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('trigger_duplicates', 'id'), nextval('trigger_duplicate_seq'));
DROP SEQUENCE trigger_duplicate_seq;
"""


def upgrade() -> None:
    """Make each table anew, move its rows, close it; `headrace migrate` then makes the months that they need."""
    for table, (primary, parent) in _TABLES.items():
        _begin(table)
        _make(table, f"{primary}, created_at", parent, "PARTITION BY RANGE (created_at)")
        partitions.make_default(op.get_bind(), table)
        _move(table)
    op.execute(_INDEXES)
    op.execute(_NUMBERS)
    _close()


def downgrade() -> None:
    """One table each again."""
    for table, (primary, parent) in _TABLES.items():
        _begin(table)
        _make(table, primary, parent)
        _move(table)
    op.execute(_INDEXES)
    op.execute(_IDENTITY)
    _close()


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


def _close() -> None:
    for table in _TABLES:
        enable_rls(op, table)
        worker_policy(op, table)
