"""Chats and their conversations, the most memory of a step, who is connected."""

from alembic import op
from headrace.infra.rls import enable_rls, worker_policy

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_BEFORE = "'manual', 'time', 'webhook', 'source', 'flow', 'form', 'asset'"
_UP = """
ALTER TABLE webhook_calls ADD COLUMN conversation_id uuid, ADD COLUMN answer text;
CREATE INDEX ix_webhook_calls_conversation_id ON webhook_calls
  (organization_id, trigger_id, conversation_id, created_at DESC) WHERE conversation_id IS NOT NULL;
ALTER TABLE node_executions ADD COLUMN memory_peak_bytes bigint;
"""
_SOCKETS = """
CREATE TABLE websocket_connections (
  organization_id uuid NOT NULL, id uuid NOT NULL, user_id uuid,
  connection_type text NOT NULL DEFAULT 'general' CHECK (connection_type IN ('activity', 'workflow_run', 'general')),
  subscribed_to text[] NOT NULL DEFAULT '{}', connected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(), disconnected_at timestamptz,
  is_active boolean NOT NULL DEFAULT true, PRIMARY KEY (organization_id, id));
CREATE INDEX ix_websocket_connections_connected_at ON websocket_connections (organization_id, connected_at DESC);
CREATE INDEX ix_websocket_connections_last_heartbeat_at ON websocket_connections (last_heartbeat_at) WHERE is_active;
CREATE INDEX ix_websocket_connections_disconnected_at ON websocket_connections (disconnected_at) WHERE NOT is_active;
"""
_DOWN = """
ALTER TABLE triggers NO FORCE ROW LEVEL SECURITY;
DELETE FROM triggers WHERE mode = 'chat';
ALTER TABLE triggers FORCE ROW LEVEL SECURITY;
ALTER TABLE webhook_calls DROP COLUMN conversation_id, DROP COLUMN answer;
ALTER TABLE node_executions DROP COLUMN memory_peak_bytes;
"""


def upgrade() -> None:
    """Wider than before, so no row has to be looked at while others wait."""
    _allow(f"{_BEFORE}, 'chat'")
    op.execute(_UP)
    op.execute(_SOCKETS)
    enable_rls(op, "websocket_connections")
    worker_policy(op, "websocket_connections")


def downgrade() -> None:
    """Chats go: the release before has none."""
    op.execute("DROP TABLE websocket_connections")
    op.execute(_DOWN)
    _allow(_BEFORE)


def _allow(modes: str) -> None:
    op.execute("ALTER TABLE triggers DROP CONSTRAINT triggers_mode_check")
    op.execute(f"ALTER TABLE triggers ADD CONSTRAINT triggers_mode_check CHECK (mode IN ({modes})) NOT VALID")
    op.execute("ALTER TABLE triggers VALIDATE CONSTRAINT triggers_mode_check")
