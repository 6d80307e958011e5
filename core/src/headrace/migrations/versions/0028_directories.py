"""Directories: people and groups that an identity provider tells of by itself. People hear what happens to them."""

from alembic import op
from headrace.infra.rls import enable_rls

revision = "0028"
down_revision = "0027"
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
_TOLD = """
CREATE FUNCTION headrace_tell_person() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE whom uuid; told jsonb;
BEGIN
  IF TG_TABLE_NAME = 'memberships' THEN
    whom := NEW.user_id;
    told := jsonb_build_object('about', 'membership', 'role', NEW.role, 'is_active', NEW.is_active);
  ELSIF TG_TABLE_NAME = 'sessions' THEN
    whom := NEW.user_id;
    told := jsonb_build_object('about', 'session', 'session_id', NEW.id, 'reason', NEW.revoked_reason);
  ELSE
    SELECT id INTO whom FROM users WHERE lower(email) = lower(NEW.email);
    told := jsonb_build_object('about', 'invitation', 'invitation_id', NEW.id, 'role', NEW.role);
  END IF;
  IF whom IS NOT NULL THEN
    PERFORM pg_notify('headrace_people',
      (told || jsonb_build_object('user_id', whom, 'organization_id', NEW.organization_id))::text);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER memberships_made AFTER INSERT ON memberships FOR EACH ROW EXECUTE FUNCTION headrace_tell_person();
CREATE TRIGGER memberships_changed AFTER UPDATE OF role, is_active ON memberships FOR EACH ROW
  WHEN (OLD.role IS DISTINCT FROM NEW.role OR OLD.is_active IS DISTINCT FROM NEW.is_active)
  EXECUTE FUNCTION headrace_tell_person();
CREATE TRIGGER sessions_ended AFTER UPDATE OF revoked_at ON sessions FOR EACH ROW
  WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION headrace_tell_person();
CREATE TRIGGER invitations_made AFTER INSERT ON invitations FOR EACH ROW EXECUTE FUNCTION headrace_tell_person();
"""
"""With the commit, whoever changes it: the API, a directory, the command line."""
_SILENT = """
DROP TRIGGER memberships_made ON memberships;
DROP TRIGGER memberships_changed ON memberships;
DROP TRIGGER sessions_ended ON sessions;
DROP TRIGGER invitations_made ON invitations;
DROP FUNCTION headrace_tell_person;
"""


def upgrade() -> None:
    """Make the tables, then close them."""
    op.execute(_TABLES)
    for table in ("directory_people", "directory_groups"):
        enable_rls(op, table)
    op.execute(_TOLD)


def downgrade() -> None:
    """Drop them; members and groups stay."""
    op.execute(_SILENT)
    op.execute("DROP TABLE directory_people, directory_groups")
