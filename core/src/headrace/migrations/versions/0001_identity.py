"""Identity, workspaces, entitlements; roles, grants, and row-level security from the first table."""

from alembic import op
from headrace.infra.rls import APP_ROLE, WORKER_ROLE, enable_rls

revision = "0001"
down_revision = None
branch_labels = ("core",)
depends_on = None

_GRANTS = f"""
GRANT USAGE ON SCHEMA public TO {APP_ROLE}, {WORKER_ROLE};
GRANT SELECT ON alembic_version TO {APP_ROLE}, {WORKER_ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP_ROLE}, {WORKER_ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {APP_ROLE}, {WORKER_ROLE};
"""

_IDENTITY = """
CREATE TABLE organizations (
  id uuid PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  slug text NOT NULL UNIQUE,
  domain text, billing_email text,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'closed')),
  infrastructure_type text NOT NULL DEFAULT 'shared' CHECK (infrastructure_type IN ('shared', 'dedicated')),
  settings jsonb NOT NULL DEFAULT '{}', row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE users (
  id uuid PRIMARY KEY,
  email text NOT NULL, full_name text NOT NULL DEFAULT '', first_name text NOT NULL DEFAULT '',
  last_name text NOT NULL DEFAULT '', photo_url text, user_utc_offset integer NOT NULL DEFAULT 0,
  password_hash text, session_version integer NOT NULL DEFAULT 1,
  is_active boolean NOT NULL DEFAULT true, is_email_verified boolean NOT NULL DEFAULT false,
  is_platform_admin boolean NOT NULL DEFAULT false, last_login_at timestamptz,
  settings jsonb NOT NULL DEFAULT '{}', row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE UNIQUE INDEX uq_users_email ON users (lower(email));

CREATE TABLE memberships (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('viewer', 'operator', 'editor', 'admin', 'owner')),
  username text, is_active boolean NOT NULL DEFAULT true,
  session_version integer NOT NULL DEFAULT 1, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, user_id));
CREATE INDEX ix_memberships_user_id ON memberships (user_id);
CREATE UNIQUE INDEX uq_memberships_username ON memberships (organization_id, lower(username));

CREATE TABLE sessions (
  organization_id uuid NOT NULL, id uuid NOT NULL, user_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('browser', 'program')),
  token_hash bytea NOT NULL, previous_hash bytea, rotated_at timestamptz,
  ip_address text NOT NULL DEFAULT '', user_agent text NOT NULL DEFAULT '',
  last_activity_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
  revoked_at timestamptz, revoked_reason text NOT NULL DEFAULT '',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, user_id) REFERENCES memberships (organization_id, user_id) ON DELETE CASCADE);
CREATE INDEX ix_sessions_organization_id_user_id ON sessions (organization_id, user_id);

CREATE TABLE setup_tokens (
  id uuid PRIMARY KEY, token_hash bytea NOT NULL UNIQUE,
  expires_at timestamptz NOT NULL, used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE data_keys (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  version integer NOT NULL, wrapped text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, version));

CREATE TABLE instance_state (
  key text PRIMARY KEY, value jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE plugin_states (
  plugin_id text PRIMARY KEY, enabled boolean NOT NULL DEFAULT true, changed_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
"""

_WORKSPACES = """
CREATE TABLE workspaces (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200), description text NOT NULL DEFAULT '',
  settings jsonb NOT NULL DEFAULT '{}', created_by uuid, deleted_at timestamptz,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id));
CREATE UNIQUE INDEX uq_workspaces_name ON workspaces (organization_id, lower(name)) WHERE deleted_at IS NULL;

CREATE TABLE folders (
  organization_id uuid NOT NULL, id uuid NOT NULL, workspace_id uuid NOT NULL, parent_id uuid,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200), description text NOT NULL DEFAULT '',
  color text, created_by uuid, deleted_at timestamptz, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, workspace_id, id),
  FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, workspace_id, parent_id) REFERENCES folders (organization_id, workspace_id, id),
  CHECK (parent_id <> id));
CREATE UNIQUE INDEX uq_folders_name ON folders (organization_id, workspace_id, parent_id, lower(name))
  NULLS NOT DISTINCT WHERE deleted_at IS NULL;
CREATE INDEX ix_folders_parent_id ON folders (organization_id, parent_id);
"""

_ENTITLEMENTS = """
CREATE TABLE subscriptions (
  organization_id uuid PRIMARY KEY REFERENCES organizations ON DELETE CASCADE,
  edition text NOT NULL, plan text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('trialing', 'active', 'past_due', 'suspended', 'cancelled')),
  infrastructure_type text NOT NULL DEFAULT 'shared' CHECK (infrastructure_type IN ('shared', 'dedicated')),
  period_start timestamptz, period_end timestamptz,
  settings jsonb NOT NULL DEFAULT '{}', row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE feature_overrides (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('feature', 'limit')), key text NOT NULL,
  enabled boolean, value bigint, reason text NOT NULL DEFAULT '', expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, kind, key),
  CHECK (kind <> 'feature' OR (enabled IS NOT NULL AND value IS NULL)),
  CHECK (kind <> 'limit' OR (enabled IS NULL AND value >= -1 AND value IS NOT NULL)));
"""

_TENANT_TABLES = ("sessions", "data_keys", "workspaces", "folders", "subscriptions", "feature_overrides")


def upgrade() -> None:
    """Make the tables, then close them."""
    for text in (_GRANTS, _IDENTITY, _WORKSPACES, _ENTITLEMENTS):
        op.execute(text)
    enable_rls(op, "organizations", column="id")
    enable_rls(op, "memberships", own_user="user_id")
    for table in _TENANT_TABLES:
        enable_rls(op, table)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        "DROP TABLE feature_overrides, subscriptions, folders, workspaces, plugin_states, instance_state, data_keys, "
        "setup_tokens, sessions, memberships, users, organizations"
    )
