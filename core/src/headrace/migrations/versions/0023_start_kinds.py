"""What started an execution has the name of its kind of trigger: form, e-mail, file, message, changed rows ..."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_BEFORE = "'manual', 'scheduled', 'webhook', 'event', 'api', 'flow', 'job', 'retry', 'backfill', 'test'"
_NOW = f"{_BEFORE}, 'form', 'asset', 'chat', 'email', 'poll', 'file', 'message', 'cdc'"
_BACK = """
ALTER TABLE executions NO FORCE ROW LEVEL SECURITY;
UPDATE executions SET trigger_type = CASE trigger_type WHEN 'form' THEN 'webhook' ELSE 'event' END
WHERE trigger_type IN ('form', 'asset', 'chat', 'email', 'poll', 'file', 'message', 'cdc');
ALTER TABLE executions FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    """Wider than before, so no row has to be looked at while others wait."""
    _allow(_NOW)


def downgrade() -> None:
    """The general names again."""
    op.execute(_BACK)
    _allow(_BEFORE)


def _allow(kinds: str) -> None:
    op.execute("ALTER TABLE executions DROP CONSTRAINT executions_trigger_type_check")
    check = f"CONSTRAINT executions_trigger_type_check CHECK (trigger_type IN ({kinds})) NOT VALID"
    op.execute(f"ALTER TABLE executions ADD {check}")
    op.execute("ALTER TABLE executions VALIDATE CONSTRAINT executions_trigger_type_check")
