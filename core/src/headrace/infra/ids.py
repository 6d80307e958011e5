"""Identifiers: UUIDv7, so that primary keys grow with time."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A new UUIDv7."""
    return uuid_utils.compat.uuid7()


def created_at(id_: UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond; the end of time for what is none."""
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC) if id_.version == 7 else datetime.max.replace(tzinfo=UTC)


def new_token(prefix: str = "", bytes_count: int = 32) -> str:
    """Random text of at least 256 bits by default; `prefix` says what it is."""
    return prefix + secrets.token_urlsafe(bytes_count)
