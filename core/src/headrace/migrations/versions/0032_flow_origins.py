"""Where flows come from that were brought from another system, and when a connection was last synchronised."""

from alembic import op
from headrace.infra.rls import enable_rls

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE flow_origins (
  organization_id uuid NOT NULL, id uuid NOT NULL, flow_id uuid NOT NULL,
  connector text NOT NULL, instance text NOT NULL CHECK (length(instance) <= 500),
  external_id text NOT NULL CHECK (length(external_id) <= 255),
  name text NOT NULL, fingerprint text NOT NULL, canvas_hash text NOT NULL, report jsonb NOT NULL DEFAULT '[]',
  synced_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  row_version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (organization_id, id), UNIQUE (organization_id, connector, instance, external_id),
  UNIQUE (organization_id, flow_id),
  FOREIGN KEY (organization_id, flow_id) REFERENCES flows (organization_id, id) ON DELETE CASCADE);
"""


def upgrade() -> None:
    """Make the table, then close it."""
    op.execute(_TABLE)
    enable_rls(op, "flow_origins")
    op.execute("ALTER TABLE connections ADD COLUMN last_sync timestamptz, ADD COLUMN error_message text")


def downgrade() -> None:
    """Drop them; the flows stay."""
    op.execute("ALTER TABLE connections DROP COLUMN last_sync, DROP COLUMN error_message")
    op.execute("DROP TABLE flow_origins")
