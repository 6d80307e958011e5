"""Messages of the WebSocket, both ways."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

PROTOCOL = "headrace.v1"
TICKET_PREFIX = "ticket."

FRAME_MAX_BYTES = 64 * 1024
SUBSCRIPTIONS_MAX = 100
COMMANDS_PER_S = 20
OUTBOX_MAX = 2_000
SEND_S = 10.0
COALESCE_S = 0.1
HEARTBEAT_S = 20.0
RECHECK_S = 2.0

BAD_MESSAGE = 4400
UNAUTHENTICATED = 4401
FORBIDDEN = 4403
SLOW = 4408
TOO_MANY = 4429


class Command(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a client sends."""

    op: Literal["subscribe", "unsubscribe", "ping"]
    channel: str = ""
    after: int | None = None


class Outgoing(Struct, kw_only=True, omit_defaults=True):
    """What we send."""

    op: Literal["subscribed", "unsubscribed", "event", "resync", "error", "pong"]
    channel: str = ""
    seq: int | None = None
    type: str = ""
    data: dict[str, Any] | UnsetType = UNSET
    timestamp: datetime | UnsetType = UNSET
