"""A sign-in remembers the provider it came by, and whether that provider speaks for its own organization only.

Names have up to 255 characters.
"""

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
_NAMED = {
    "organizations": 200, "workspaces": 200, "folders": 200, "groups": 200, "roles": 200, "identity_providers": 100,
}  # fmt: skip
_SHORTER = """
ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
UPDATE {table} SET name = left(name, {most} - 9) || '~' || right(id::text, 8) WHERE length(name) > {most};
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    """Sign-ins by a provider that are alive now stay where they are: which provider it was is not known."""
    op.execute(_UP)
    for table in _NAMED:
        _allow(table, 255)
    _allow("plans", 255, "title")


def downgrade() -> None:
    """Forget it, and cut names that are too long."""
    op.execute("ALTER TABLE sessions DROP COLUMN provider_id, DROP COLUMN is_bound")
    for table, most in _NAMED.items():
        op.execute(_SHORTER.format(table=table, most=most))
        _allow(table, most)
    op.execute("UPDATE plans SET title = left(title, 200)")
    _allow("plans", 200, "title")


def _allow(table: str, most: int, column: str = "name") -> None:
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_check")
    check = f"CHECK (length({column}) BETWEEN 1 AND {most})"
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_check {check}")
