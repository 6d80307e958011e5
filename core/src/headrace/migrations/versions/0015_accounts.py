"""Accounts: second factors, letters with one-time links, invitations, API keys, service accounts."""

from alembic import op
from headrace.infra.rls import enable_rls, enable_user_rls

revision = "0015"
down_revision = "0011"
branch_labels = None
depends_on = None

_PEOPLE = """
ALTER TABLE users ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service'));

CREATE TABLE second_factors (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE, secret text NOT NULL, confirmed_at timestamptz,
  last_step bigint NOT NULL DEFAULT 0, recovery_hashes bytea[] NOT NULL DEFAULT '{}',
  failures integer NOT NULL DEFAULT 0, locked_until timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE letters (
  id uuid PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('reset_password', 'register', 'invitation')),
  recipient text NOT NULL, data jsonb NOT NULL DEFAULT '{}',
  status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'sent', 'failed', 'void')),
  attempts integer NOT NULL DEFAULT 0, due_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz,
  error text NOT NULL DEFAULT '', token_hash bytea UNIQUE, expires_at timestamptz, used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ix_letters_due_at ON letters (due_at) WHERE status = 'queued';
CREATE INDEX ix_letters_created_at ON letters (created_at);
"""

_VERSIONS = """
ALTER TABLE sessions ADD COLUMN user_version integer NOT NULL DEFAULT 1;
ALTER TABLE sessions NO FORCE ROW LEVEL SECURITY;
UPDATE sessions s SET user_version = u.session_version FROM users u WHERE u.id = s.user_id;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
"""
"""Sign-ins from before count as made with the present password."""

_MEMBERS = """
CREATE TABLE invitations (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, id uuid NOT NULL,
  email text NOT NULL, role text NOT NULL, letter_id uuid REFERENCES letters ON DELETE SET NULL,
  invited_by uuid, expires_at timestamptz NOT NULL, accepted_at timestamptz, accepted_by uuid,
  revoked_at timestamptz, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id));
CREATE UNIQUE INDEX uq_invitations_email ON invitations (organization_id, lower(email))
  WHERE accepted_at IS NULL AND revoked_at IS NULL;

CREATE TABLE api_keys (
  organization_id uuid NOT NULL, id uuid NOT NULL, user_id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100), hint text NOT NULL,
  key_hash bytea NOT NULL, previous_hash bytea, previous_until timestamptz,
  permissions jsonb NOT NULL, expires_at timestamptz, last_used_at timestamptz,
  last_used_ip text NOT NULL DEFAULT '', revoked_at timestamptz, created_by uuid,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, user_id) REFERENCES memberships (organization_id, user_id) ON DELETE CASCADE);
CREATE INDEX ix_api_keys_organization_id_user_id ON api_keys (organization_id, user_id);
CREATE INDEX ix_api_keys_key_hash ON api_keys (key_hash);
CREATE INDEX ix_api_keys_previous_hash ON api_keys (previous_hash) WHERE previous_hash IS NOT NULL;
"""

_KEY = """
CREATE POLICY key ON api_keys FOR SELECT USING (
  key_hash = decode(nullif(current_setting('app.key', true), ''), 'hex')
  OR previous_hash = decode(nullif(current_setting('app.key', true), ''), 'hex'))
"""
"""Who shows a key sees that one row, before the organization is known."""


def upgrade() -> None:
    """Make the tables, then close them."""
    for text in (_PEOPLE, _VERSIONS, _MEMBERS):
        op.execute(text)
    enable_user_rls(op, "second_factors")
    for table in ("invitations", "api_keys"):
        enable_rls(op, table)
    op.execute(_KEY)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE api_keys, invitations, letters, second_factors")
    op.execute("ALTER TABLE sessions DROP COLUMN user_version")
    op.execute("ALTER TABLE users DROP COLUMN kind")
