"""The table of triggers as the API edits it; the scheduler reads and advances it in SQL (`statements.py`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.models import TenantModel, tenant_key
from headrace.infra.rls import SEALED


class Trigger(TenantModel):
    """What starts a flow.

    Attributes:
        node_id: The step of the canvas that it belongs to; none when it was made beside the canvas.
        armed: Active, and so is the flow; kept by the database.
        state: Cursor of a source, and what a schedule has covered.
        next_fire_at: The due instant; it stays while the trigger is held back.
        wake_at: When the scheduler looks at it.
        missed: Due instants that were passed over, by its misfire policy.
        failures: Failed attempts in a row.
        retire_at: When to free what its source holds elsewhere; the trigger or its flow is deleted.
    """

    __tablename__ = "triggers"
    __table_args__ = (tenant_key("flow_id", "flows", ondelete="CASCADE"),)

    flow_id: Mapped[UUID]
    node_id: Mapped[str | None]
    name: Mapped[str] = mapped_column(default="")
    type: Mapped[str]
    mode: Mapped[str]
    configuration: Mapped[dict[str, Any]] = mapped_column(default=dict)
    secrets: Mapped[str | None] = mapped_column(comment=SEALED)
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    is_active: Mapped[bool] = mapped_column(default=True)
    armed: Mapped[bool] = mapped_column(default=False)
    calendar_id: Mapped[UUID | None]
    state: Mapped[dict[str, Any]] = mapped_column(default=dict)
    timezone: Mapped[str] = mapped_column(default="UTC")
    misfire: Mapped[str] = mapped_column(default="coalesce")
    grace_s: Mapped[float] = mapped_column(default=60.0)
    max_pending: Mapped[int | None]
    priority: Mapped[int] = mapped_column(default=0)
    next_fire_at: Mapped[datetime | None]
    wake_at: Mapped[datetime | None]
    last_fired_at: Mapped[datetime | None]
    last_execution_id: Mapped[UUID | None]
    missed: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    failures: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    lease_owner: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    hook_hash: Mapped[bytes | None]
    alias: Mapped[str | None]
    alias_hash: Mapped[bytes | None]
    source_flow_id: Mapped[UUID | None]
    source_statuses: Mapped[list[str]] = mapped_column(ARRAY(sa.Text()), default=list)
    created_by: Mapped[UUID | None]
    updated_by: Mapped[UUID | None]
    retire_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
