"""Plans: what admins change of editions, plans and features; subscriptions that change later; usage of a month."""

from alembic import op
from headrace.infra.rls import WORKER_ROLE, enable_rls

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TIMES = "created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()"
_CATALOGUE = f"""
CREATE TABLE editions (
  key text PRIMARY KEY, enabled boolean NOT NULL DEFAULT true, features jsonb, {_TIMES});

CREATE TABLE features (
  key text PRIMARY KEY CHECK (key ~ '^[a-z][a-z0-9_]{{0,62}}$'), name text NOT NULL DEFAULT '',
  default_enabled boolean NOT NULL, {_TIMES});

CREATE TABLE plans (
  key text PRIMARY KEY CHECK (key ~ '^[a-z][a-z0-9_]{{0,62}}$'), edition text NOT NULL,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200), row_version integer NOT NULL DEFAULT 1, {_TIMES});
CREATE TABLE plan_features (
  plan text NOT NULL REFERENCES plans ON DELETE CASCADE, feature text NOT NULL, enabled boolean NOT NULL,
  PRIMARY KEY (plan, feature));
CREATE TABLE plan_limits (
  plan text NOT NULL REFERENCES plans ON DELETE CASCADE, key text NOT NULL, value bigint NOT NULL CHECK (value >= -1),
  PRIMARY KEY (plan, key));
"""

_INSTALLATION = """
INSERT INTO instance_state (key, value) VALUES ('installation', to_jsonb(gen_random_uuid()::text))
ON CONFLICT (key) DO NOTHING
"""

_SUBSCRIPTIONS = """
ALTER TABLE subscriptions ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN next_edition text, ADD COLUMN next_plan text, ADD COLUMN next_at timestamptz,
  ADD CHECK ((next_plan IS NULL) = (next_at IS NULL) AND (next_plan IS NULL) = (next_edition IS NULL));
CREATE POLICY platform ON organizations FOR SELECT USING (current_setting('app.platform', true) = 'on');

CREATE TABLE usage_counters (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, key text NOT NULL, period date NOT NULL,
  used bigint NOT NULL DEFAULT 0, counted_to timestamptz NOT NULL,
  PRIMARY KEY (organization_id, key, period));
"""

_TABLES = ("editions", "features", "plans", "plan_features", "plan_limits")


def upgrade() -> None:
    """Make the tables; the worker reads what admins change."""
    op.execute(_CATALOGUE)
    op.execute(_INSTALLATION)
    op.execute(_SUBSCRIPTIONS)
    enable_rls(op, "usage_counters")
    for table in _TABLES:
        op.execute(f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {table} FROM {WORKER_ROLE}")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE usage_counters, plan_limits, plan_features, plans, features, editions")
    op.execute("DROP POLICY platform ON organizations")
    op.execute(
        "ALTER TABLE subscriptions DROP COLUMN metadata, DROP COLUMN next_edition, DROP COLUMN next_plan, "
        "DROP COLUMN next_at"
    )
    op.execute("DELETE FROM instance_state WHERE key IN ('installation', 'entitlements')")
