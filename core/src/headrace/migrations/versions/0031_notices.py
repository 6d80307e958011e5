"""Letters that tell owners what their organization uses."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_KINDS = (
    "ALTER TABLE letters DROP CONSTRAINT letters_kind_check, ADD CONSTRAINT letters_kind_check CHECK (kind IN ({}))"
)


def upgrade() -> None:
    """Allow them."""
    op.execute(_KINDS.format("'reset_password', 'register', 'invitation', 'notice'"))


def downgrade() -> None:
    """They go."""
    op.execute("DELETE FROM letters WHERE kind = 'notice'")
    op.execute(_KINDS.format("'reset_password', 'register', 'invitation'"))
