"""Identity providers, identities, sign-ins under way, and an end that no activity moves for sign-ins by a provider."""

from alembic import op
from headrace.infra.rls import enable_rls, mark_sealed

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE identity_providers (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, id uuid NOT NULL,
  provider text NOT NULL, name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100), config text NOT NULL,
  default_role text, group_roles jsonb NOT NULL DEFAULT '{}', provisions boolean NOT NULL DEFAULT true,
  domains jsonb NOT NULL DEFAULT '[]', listed boolean NOT NULL DEFAULT false, is_enabled boolean NOT NULL DEFAULT true,
  session_hours integer NOT NULL DEFAULT 12 CHECK (session_hours BETWEEN 1 AND 168),
  last_refusal text NOT NULL DEFAULT '', last_refused_at timestamptz, created_by uuid,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id));
CREATE UNIQUE INDEX uq_identity_providers_name ON identity_providers (organization_id, lower(name));
CREATE INDEX ix_identity_providers_id ON identity_providers (id);
CREATE INDEX ix_identity_providers_domains ON identity_providers USING gin (domains);

CREATE TABLE identities (
  organization_id uuid NOT NULL, id uuid NOT NULL, provider_id uuid NOT NULL,
  subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255), user_id uuid NOT NULL,
  email text NOT NULL DEFAULT '', groups jsonb NOT NULL DEFAULT '[]',
  ended_at timestamptz, last_sign_in_at timestamptz, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id), UNIQUE (organization_id, provider_id, subject),
  FOREIGN KEY (organization_id, provider_id) REFERENCES identity_providers (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, user_id) REFERENCES memberships (organization_id, user_id) ON DELETE CASCADE);
CREATE INDEX ix_identities_organization_id_user_id ON identities (organization_id, user_id);

CREATE TABLE sign_in_attempts (
  organization_id uuid NOT NULL, id uuid NOT NULL, provider_id uuid NOT NULL, state_hash bytea NOT NULL,
  browser_hash bytea NOT NULL, memory text NOT NULL, next text NOT NULL DEFAULT '/', answer text, user_id uuid,
  expires_at timestamptz NOT NULL, used_at timestamptz, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id), UNIQUE (organization_id, state_hash),
  FOREIGN KEY (organization_id, provider_id) REFERENCES identity_providers (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_sign_in_attempts_expires_at ON sign_in_attempts (organization_id, expires_at);

ALTER TABLE sessions ADD COLUMN ends_at timestamptz;
ALTER TABLE memberships ADD COLUMN provider_id uuid;
ALTER TABLE memberships ADD CONSTRAINT fk_memberships_provider_id FOREIGN KEY (organization_id, provider_id)
  REFERENCES identity_providers (organization_id, id) ON DELETE SET NULL (provider_id);
"""

_ENTRANCE = """
CREATE POLICY entrance ON identity_providers FOR SELECT USING (is_enabled AND (
  'id:' || id = current_setting('app.entrance', true)
  OR (listed AND current_setting('app.entrance', true) = 'listed')
  OR (starts_with(current_setting('app.entrance', true), 'domain:')
      AND domains @> to_jsonb(substr(current_setting('app.entrance', true), 8)))));
CREATE POLICY entrance ON organizations FOR SELECT USING (
  'slug:' || slug = current_setting('app.entrance', true));
"""
"""Who stands at the entrance has no organization yet: they see the one place that they name."""


def upgrade() -> None:
    """Make the tables, then close them."""
    op.execute(_TABLES)
    for table in ("identity_providers", "identities", "sign_in_attempts"):
        enable_rls(op, table)
    mark_sealed(op, "identity_providers", "config")
    mark_sealed(op, "sign_in_attempts", "memory")
    mark_sealed(op, "sign_in_attempts", "answer")
    op.execute(_ENTRANCE)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP POLICY entrance ON organizations")
    op.execute("ALTER TABLE memberships DROP COLUMN provider_id")
    op.execute("DROP TABLE sign_in_attempts, identities, identity_providers")
    op.execute("ALTER TABLE sessions DROP COLUMN ends_at")
