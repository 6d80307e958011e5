"""Jobs and packages of jobs are flows that call flows."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KINDS = "'automation', 'pipeline', 'monitoring'"


def upgrade() -> None:
    """Two more kinds."""
    op.execute("ALTER TABLE flows DROP CONSTRAINT flows_kind_check")
    op.execute(f"ALTER TABLE flows ADD CONSTRAINT flows_kind_check CHECK (kind IN ({_KINDS}, 'job', 'job_package'))")


def downgrade() -> None:
    """Without them."""
    op.execute("DELETE FROM flows WHERE kind IN ('job', 'job_package')")
    op.execute("ALTER TABLE flows DROP CONSTRAINT flows_kind_check")
    op.execute(f"ALTER TABLE flows ADD CONSTRAINT flows_kind_check CHECK (kind IN ({_KINDS}))")
