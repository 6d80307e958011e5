"""Where a flow comes from."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.models import TenantModel, tenant_key


class FlowOrigin(TenantModel):
    """A flow that was brought from another system.

    Attributes:
        instance: Address of that system.
        external_id: Id of the flow there.
        name: What the flow was called when it was brought here last.
        fingerprint: Of the flow there, and of how it was converted.
        canvas_hash: Of the canvas here as it was left; another one means that people have changed it.
        report: What became of each step.
    """

    __tablename__ = "flow_origins"
    __table_args__ = (
        tenant_key("flow_id", "flows", ondelete="CASCADE"),
        sa.UniqueConstraint("organization_id", "connector", "instance", "external_id"),
        sa.UniqueConstraint("organization_id", "flow_id"),
    )

    flow_id: Mapped[UUID]
    connector: Mapped[str]
    instance: Mapped[str]
    external_id: Mapped[str]
    name: Mapped[str]
    fingerprint: Mapped[str]
    canvas_hash: Mapped[str]
    report: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    synced_at: Mapped[datetime]
