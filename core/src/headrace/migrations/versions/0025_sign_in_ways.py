"""A sign-in remembers the provider it came by, and whether that provider speaks for its own organization only."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE sessions ADD COLUMN provider_id uuid, ADD COLUMN is_bound boolean NOT NULL DEFAULT false;
ALTER TABLE sessions NO FORCE ROW LEVEL SECURITY;
UPDATE sessions SET is_bound = true WHERE ends_at IS NOT NULL;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    """Sign-ins by a provider that are alive now stay where they are: which provider it was is not known."""
    op.execute(_UP)


def downgrade() -> None:
    """Forget it."""
    op.execute("ALTER TABLE sessions DROP COLUMN provider_id, DROP COLUMN is_bound")
