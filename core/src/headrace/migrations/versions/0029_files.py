"""Files: what people and programs keep in buckets."""

from alembic import op
from headrace.infra.rls import enable_rls

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE files (
  organization_id uuid NOT NULL, id uuid NOT NULL,
  bucket text NOT NULL CHECK (bucket IN ('files', 'frames', 'backups', 'templates', 'reports')),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255), description text NOT NULL DEFAULT '',
  content_type text NOT NULL, status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'ready')),
  size_bytes bigint NOT NULL DEFAULT 0 CHECK (size_bytes >= 0), sha256 text CHECK (length(sha256) = 64),
  object_key text, uploaded_at timestamptz, created_by uuid, updated_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz, row_version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (organization_id, id),
  CHECK ((status = 'ready') = (object_key IS NOT NULL AND sha256 IS NOT NULL AND uploaded_at IS NOT NULL)));
CREATE INDEX ix_files_bucket ON files (organization_id, bucket, created_at DESC, id DESC);
CREATE INDEX ix_files_object_key ON files (organization_id, object_key);
"""


def upgrade() -> None:
    """Make the table, then close it."""
    op.execute(_TABLE)
    enable_rls(op, "files")


def downgrade() -> None:
    """Drop it; contents stay in the store, where nothing knows of them."""
    op.execute("DROP TABLE files")
