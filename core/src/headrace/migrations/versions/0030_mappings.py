"""Mappings: where a connection has the state of equipment and its measurements."""

from alembic import op
from headrace.infra.rls import enable_rls

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE connection_mappings (
  organization_id uuid NOT NULL, id uuid NOT NULL, connection_id uuid NOT NULL,
  data_type text NOT NULL CHECK (data_type IN ('equipment_status', 'measurement_data')),
  source_table_name text NOT NULL DEFAULT '' CHECK (length(source_table_name) <= 255),
  source_field_mappings jsonb NOT NULL DEFAULT '{}', base_query text NOT NULL DEFAULT '',
  filter_conditions jsonb NOT NULL DEFAULT '{}', order_by_clause text NOT NULL DEFAULT '',
  cache_duration integer NOT NULL DEFAULT 300 CHECK (cache_duration BETWEEN 0 AND 86400),
  max_records integer NOT NULL DEFAULT 1000 CHECK (max_records BETWEEN 1 AND 10000),
  created_by uuid, updated_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  row_version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (organization_id, id), UNIQUE (organization_id, connection_id, data_type),
  FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE);
"""


def upgrade() -> None:
    """Make the table, then close it."""
    op.execute(_TABLE)
    enable_rls(op, "connection_mappings")


def downgrade() -> None:
    """Drop it; the data is elsewhere."""
    op.execute("DROP TABLE connection_mappings")
