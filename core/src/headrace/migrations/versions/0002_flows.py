"""Flows with their canvas, definitions and versions; connections."""

from alembic import op
from headrace.infra.rls import enable_rls, revoke_changes

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE flows (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, id uuid NOT NULL,
  workspace_id uuid NOT NULL, folder_id uuid,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255), description text NOT NULL DEFAULT '',
  kind text NOT NULL DEFAULT 'automation' CHECK (kind IN ('automation', 'pipeline', 'monitoring')),
  pipeline_type text NOT NULL DEFAULT 'etl' CHECK (pipeline_type IN ('etl', 'elt', 'hybrid', 'streaming')),
  status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'inactive', 'archived')),
  tags jsonb NOT NULL DEFAULT '[]', variables jsonb NOT NULL DEFAULT '{}', settings jsonb NOT NULL DEFAULT '{}',
  current_version integer NOT NULL DEFAULT 0, last_execution_at timestamptz,
  created_by uuid, updated_by uuid, deleted_at timestamptz, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, folder_id) REFERENCES folders (organization_id, id));
CREATE UNIQUE INDEX uq_flows_live_name ON flows
  (organization_id, workspace_id, coalesce(folder_id, '00000000-0000-0000-0000-000000000000'), lower(name))
  WHERE deleted_at IS NULL;
CREATE INDEX ix_flows_tags ON flows USING gin (tags);

CREATE TABLE flow_data (
  organization_id uuid NOT NULL, flow_id uuid NOT NULL, definition jsonb NOT NULL,
  row_version integer NOT NULL DEFAULT 1, updated_at timestamptz NOT NULL DEFAULT now(), updated_by uuid,
  PRIMARY KEY (organization_id, flow_id),
  FOREIGN KEY (organization_id, flow_id) REFERENCES flows (organization_id, id) ON DELETE CASCADE);

CREATE TABLE flow_definitions (
  organization_id uuid NOT NULL, flow_id uuid NOT NULL, content_hash text NOT NULL, definition jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, flow_id, content_hash),
  FOREIGN KEY (organization_id, flow_id) REFERENCES flows (organization_id, id) ON DELETE CASCADE);

CREATE TABLE flow_versions (
  organization_id uuid NOT NULL, flow_id uuid NOT NULL, number integer NOT NULL, content_hash text NOT NULL,
  name text NOT NULL DEFAULT '', change_summary text NOT NULL DEFAULT '', tag text,
  created_by uuid, created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, flow_id, number),
  FOREIGN KEY (organization_id, flow_id, content_hash) REFERENCES flow_definitions ON DELETE CASCADE);
CREATE UNIQUE INDEX uq_flow_versions_tag ON flow_versions (organization_id, flow_id, tag) WHERE tag IS NOT NULL;

CREATE TABLE connections (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, id uuid NOT NULL,
  workspace_id uuid, name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255), description text NOT NULL DEFAULT '',
  connector text NOT NULL, config text NOT NULL, config_version integer NOT NULL DEFAULT 1,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'error')),
  health_status text NOT NULL DEFAULT 'unknown', test_status text NOT NULL DEFAULT 'untested', test_result jsonb,
  last_tested_at timestamptz, created_by uuid, updated_by uuid, deleted_at timestamptz,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id) ON DELETE CASCADE);
CREATE UNIQUE INDEX uq_connections_live_name ON connections (organization_id, lower(name)) WHERE deleted_at IS NULL;
"""

TABLES = ("flows", "flow_data", "flow_definitions", "flow_versions", "connections")


def upgrade() -> None:
    """Create the tables; definitions are immutable."""
    op.execute(_TABLES)
    for table in TABLES:
        enable_rls(op, table)
    revoke_changes(op, "flow_definitions")


def downgrade() -> None:
    """Drop them."""
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
