"""Directories: people and groups that an identity provider tells of by itself."""

from alembic import op
from headrace.infra.rls import enable_rls

revision = "0028"
down_revision = "0026"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE directory_people (
  organization_id uuid NOT NULL, id uuid NOT NULL, provider_id uuid NOT NULL,
  user_name text NOT NULL CHECK (length(user_name) BETWEEN 1 AND 320),
  external_id text CHECK (length(external_id) <= 500), attributes jsonb NOT NULL DEFAULT '{}',
  made boolean NOT NULL DEFAULT false, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, provider_id) REFERENCES identity_providers (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, id) REFERENCES memberships (organization_id, user_id) ON DELETE CASCADE);
CREATE UNIQUE INDEX uq_directory_people_user_name ON directory_people (organization_id, provider_id, lower(user_name));
CREATE INDEX ix_directory_people_external_id ON directory_people (organization_id, provider_id, external_id);

CREATE TABLE directory_groups (
  organization_id uuid NOT NULL, id uuid NOT NULL, provider_id uuid NOT NULL,
  external_id text CHECK (length(external_id) <= 500), row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, provider_id) REFERENCES identity_providers (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, id) REFERENCES groups (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_directory_groups_provider_id ON directory_groups (organization_id, provider_id);
"""


def upgrade() -> None:
    """Make the tables, then close them."""
    op.execute(_TABLES)
    for table in ("directory_people", "directory_groups"):
        enable_rls(op, table)


def downgrade() -> None:
    """Drop them; members and groups stay."""
    op.execute("DROP TABLE directory_people, directory_groups")
