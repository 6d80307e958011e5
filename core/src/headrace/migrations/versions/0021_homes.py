"""Where an organization's work lives: here, or in a database of its own; and since when somebody is no member."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_HOMES = """
CREATE TABLE homes (
  id uuid PRIMARY KEY, place text NOT NULL CHECK (length(place) <= 300),
  state text NOT NULL DEFAULT 'here' CHECK (state IN ('here', 'moving', 'there')),
  goal text NOT NULL DEFAULT 'own' CHECK (goal IN ('own', 'shared')), step text NOT NULL DEFAULT 'create',
  note text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE UNIQUE INDEX uq_homes_place ON homes (place) WHERE place <> '';
ALTER TABLE memberships ADD COLUMN removed_at timestamptz;
"""


def upgrade() -> None:
    """Nobody has moved yet."""
    op.execute(_HOMES)


def downgrade() -> None:
    """Only while every organization lives in the shared database."""
    op.execute("ALTER TABLE memberships DROP COLUMN removed_at")
    op.execute("DROP TABLE homes")
