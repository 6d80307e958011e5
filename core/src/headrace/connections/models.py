"""The table of connections; the config is one encrypted text."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

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
    created_by: Mapped[UUID | None]
    updated_by: Mapped[UUID | None]
    deleted_at: Mapped[datetime | None]
