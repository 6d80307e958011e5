"""Tokens of connections that a person connected, and connecting that is under way."""

from alembic import op
from headrace.infra.rls import enable_rls, mark_sealed

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE connection_tokens (
  organization_id uuid NOT NULL, id uuid NOT NULL, tokens text NOT NULL,
  expires_at timestamptz NOT NULL, problem text NOT NULL DEFAULT '', connected_by uuid,
  connected_at timestamptz NOT NULL,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, id) REFERENCES connections (organization_id, id) ON DELETE CASCADE);

CREATE TABLE connection_attempts (
  organization_id uuid NOT NULL, id uuid NOT NULL, connection_id uuid NOT NULL, state_hash bytea NOT NULL,
  browser_hash bytea NOT NULL, memory text NOT NULL, user_id uuid,
  expires_at timestamptz NOT NULL, used_at timestamptz, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id), UNIQUE (organization_id, state_hash),
  FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_connection_attempts_expires_at ON connection_attempts (organization_id, expires_at);
CREATE INDEX ix_connection_attempts_connection_id ON connection_attempts (organization_id, connection_id);
"""


def upgrade() -> None:
    """Make the tables, then close them."""
    op.execute(_TABLES)
    for table in ("connection_tokens", "connection_attempts"):
        enable_rls(op, table)
    mark_sealed(op, "connection_tokens", "tokens")
    mark_sealed(op, "connection_attempts", "memory")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE connection_attempts, connection_tokens")
