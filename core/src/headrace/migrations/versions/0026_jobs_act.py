"""Jobs act: they were kept as drafts, so that no schedule of theirs was ever due. They count from now on."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_ACT = """
ALTER TABLE flows NO FORCE ROW LEVEL SECURITY;
ALTER TABLE triggers NO FORCE ROW LEVEL SECURITY;
UPDATE flows SET status = 'active' WHERE kind IN ('job', 'job_package') AND status = 'draft';
ALTER TABLE flows FORCE ROW LEVEL SECURITY;
ALTER TABLE triggers FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    """The database arms their triggers by itself."""
    op.execute(_ACT)


def downgrade() -> None:
    """An active job is one for the release before, too."""
