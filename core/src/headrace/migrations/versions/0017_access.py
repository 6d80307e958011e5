"""Access: custom roles, groups, and grants on single objects."""

from alembic import op
from headrace.infra.rls import CURRENT_ORGANIZATION, CURRENT_USER, enable_rls

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_BUILT_IN = "role IN ('viewer', 'operator', 'editor', 'admin', 'owner')"
_ROLE_ID = r"""
role_id uuid GENERATED ALWAYS AS (CASE WHEN role ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
  THEN CAST(role AS uuid) END) STORED
"""
"""A role is a name that we give, or the id of a role that the organization has made; then the reference is kept."""

_ROLES = """
CREATE TABLE roles (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200), description text NOT NULL DEFAULT '',
  permissions jsonb NOT NULL CHECK (jsonb_typeof(permissions) = 'array'), created_by uuid,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id));
CREATE UNIQUE INDEX uq_roles_name ON roles (organization_id, lower(name));

CREATE TABLE groups (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200), description text NOT NULL DEFAULT '', created_by uuid,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id));
CREATE UNIQUE INDEX uq_groups_name ON groups (organization_id, lower(name));

CREATE TABLE group_members (
  organization_id uuid NOT NULL, group_id uuid NOT NULL, user_id uuid NOT NULL, added_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, group_id, user_id),
  FOREIGN KEY (organization_id, group_id) REFERENCES groups (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, user_id) REFERENCES memberships (organization_id, user_id) ON DELETE CASCADE);
CREATE INDEX ix_group_members_user_id ON group_members (organization_id, user_id);
"""

_GRANTS = f"""
CREATE TABLE grants (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, id uuid NOT NULL,
  object_type text NOT NULL
    CHECK (object_type IN ('workspace', 'folder', 'job', 'job_package', 'flow', 'connection')),
  object_id uuid NOT NULL, user_id uuid, group_id uuid,
  level text CHECK (level IN ('view', 'execute', 'edit', 'admin')),
  role text CHECK ({_BUILT_IN} OR role_id IS NOT NULL),
  {_ROLE_ID}, expires_at timestamptz, created_by uuid, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id),
  CHECK (num_nonnulls(user_id, group_id) = 1), CHECK (num_nonnulls(level, role) = 1),
  FOREIGN KEY (organization_id, user_id) REFERENCES memberships (organization_id, user_id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, group_id) REFERENCES groups (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, role_id) REFERENCES roles (organization_id, id));
CREATE UNIQUE INDEX uq_grants_same ON grants (organization_id, object_id, user_id, group_id, level, role)
  NULLS NOT DISTINCT;
CREATE INDEX ix_grants_user_id ON grants (organization_id, user_id);
CREATE INDEX ix_grants_group_id ON grants (organization_id, group_id);
"""

_HELD = f"""
ALTER TABLE memberships DROP CONSTRAINT memberships_role_check;
ALTER TABLE memberships ADD COLUMN {_ROLE_ID};
ALTER TABLE memberships ADD CONSTRAINT memberships_role_check CHECK ({_BUILT_IN} OR role_id IS NOT NULL);
ALTER TABLE memberships ADD FOREIGN KEY (organization_id, role_id) REFERENCES roles (organization_id, id);
ALTER TABLE invitations ADD COLUMN {_ROLE_ID};
ALTER TABLE invitations ADD FOREIGN KEY (organization_id, role_id) REFERENCES roles (organization_id, id);
"""

_OWN = f"""
CREATE POLICY own ON organizations FOR SELECT USING ({CURRENT_ORGANIZATION} IS NULL AND EXISTS (
  SELECT 1 FROM memberships m WHERE m.organization_id = organizations.id AND m.user_id = {CURRENT_USER}
  AND m.is_active))
"""  # noqa: S608 - no values
"""Where somebody is a member, for choosing one: in a transaction of that person and of no organization only."""

_ONLY_BUILT_IN = f"""
DROP POLICY own ON organizations;
ALTER TABLE memberships NO FORCE ROW LEVEL SECURITY;
UPDATE memberships SET role = 'viewer' WHERE role_id IS NOT NULL;
ALTER TABLE memberships FORCE ROW LEVEL SECURITY;
ALTER TABLE memberships DROP COLUMN role_id CASCADE;
ALTER TABLE memberships ADD CONSTRAINT memberships_role_check CHECK ({_BUILT_IN});
ALTER TABLE invitations DROP COLUMN role_id;
DROP TABLE grants, group_members, groups, roles;
"""  # noqa: S608 - no values


def upgrade() -> None:
    """Make the tables, then close them."""
    for text in (_ROLES, _GRANTS, _HELD, _OWN):
        op.execute(text)
    for table in ("roles", "groups", "group_members", "grants"):
        enable_rls(op, table)


def downgrade() -> None:
    """Only our own roles, and no grants; who had a role of the organization's own is a viewer."""
    op.execute(_ONLY_BUILT_IN)
