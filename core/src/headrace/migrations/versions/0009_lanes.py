"""Lanes: segments that wait for others share a runner, those that may have taken one down do not."""

from alembic import op

revision = "0009"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what a segment and a worker say about it."""
    op.execute("ALTER TABLE segment_runs ADD COLUMN alone boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE workers ADD COLUMN waiting_slots integer NOT NULL DEFAULT 0")


def downgrade() -> None:
    """Drop it."""
    op.execute("ALTER TABLE workers DROP COLUMN waiting_slots")
    op.execute("ALTER TABLE segment_runs DROP COLUMN alone")
