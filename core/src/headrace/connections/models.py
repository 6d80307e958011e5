"""The table of connections; the config is one encrypted text."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.models import TenantModel, tenant_key
from headrace.infra.rls import SEALED


class Connection(TenantModel):
    """A configured instance of a connector."""

    __tablename__ = "connections"
    __table_args__ = (tenant_key("workspace_id", "workspaces"),)

    workspace_id: Mapped[UUID | None]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    connector: Mapped[str]
    config: Mapped[str] = mapped_column(comment=SEALED)
    config_version: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(default="active")
    health_status: Mapped[str] = mapped_column(default="unknown")
    test_status: Mapped[str] = mapped_column(default="untested")
    test_result: Mapped[dict[str, Any] | None]
    last_tested_at: Mapped[datetime | None]
    last_sync: Mapped[datetime | None]
    error_message: Mapped[str | None]
    created_by: Mapped[UUID | None]
    updated_by: Mapped[UUID | None]
    deleted_at: Mapped[datetime | None]


class ConnectionToken(TenantModel):
    """What the other side gave when a person connected the connection of the same id; at most one.

    Attributes:
        tokens: Access and refresh token, encrypted.
        expires_at: Of the access token.
        problem: Why it can no longer be used; somebody has to connect again.
    """

    __tablename__ = "connection_tokens"
    __table_args__ = (tenant_key("id", "connections", ondelete="CASCADE"),)

    tokens: Mapped[str] = mapped_column(comment=SEALED)
    expires_at: Mapped[datetime]
    problem: Mapped[str] = mapped_column(default="", server_default="")
    connected_by: Mapped[UUID | None]
    connected_at: Mapped[datetime]


class ConnectionAttempt(TenantModel):
    """Connecting that is under way: bound to a browser, good once.

    Attributes:
        memory: What is needed when it comes back, encrypted.
    """

    __tablename__ = "connection_attempts"
    __table_args__ = (
        tenant_key("connection_id", "connections", ondelete="CASCADE"),
        sa.UniqueConstraint("organization_id", "state_hash"),
    )

    connection_id: Mapped[UUID]
    state_hash: Mapped[bytes]
    browser_hash: Mapped[bytes]
    memory: Mapped[str] = mapped_column(comment=SEALED)
    user_id: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
