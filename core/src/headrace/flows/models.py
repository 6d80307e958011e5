"""Tables of flows: metadata, the editable canvas, immutable definitions, numbered versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.clock import now
from headrace.infra.models import Base, TenantModel, tenant_key


class Flow(TenantModel):
    """A flow's metadata. Its canvas is in `FlowData`, what was executed or checked in, in `FlowDefinition`."""

    __tablename__ = "flows"
    __table_args__ = (tenant_key("workspace_id", "workspaces"), tenant_key("folder_id", "folders"))

    workspace_id: Mapped[UUID]
    folder_id: Mapped[UUID | None]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default="automation")
    pipeline_type: Mapped[str] = mapped_column(default="etl")
    status: Mapped[str] = mapped_column(default="draft")
    tags: Mapped[list[str]] = mapped_column(default=list)
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    current_version: Mapped[int] = mapped_column(default=0)
    last_execution_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None]
    updated_by: Mapped[UUID | None]
    deleted_at: Mapped[datetime | None]


class FlowData(Base):
    """The canvas that people edit."""

    __tablename__ = "flow_data"
    __table_args__ = (tenant_key("flow_id", "flows", ondelete="CASCADE"),)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    flow_id: Mapped[UUID] = mapped_column(primary_key=True)
    definition: Mapped[dict[str, Any]]
    row_version: Mapped[int] = mapped_column(nullable=False)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    updated_by: Mapped[UUID | None]

    __mapper_args__ = {"version_id_col": row_version}


class FlowDefinition(Base):
    """A canvas by its content hash; never changes."""

    __tablename__ = "flow_definitions"
    __table_args__ = (tenant_key("flow_id", "flows", ondelete="CASCADE"),)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    flow_id: Mapped[UUID] = mapped_column(primary_key=True)
    content_hash: Mapped[str] = mapped_column(primary_key=True)
    definition: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class FlowVersion(Base):
    """A checked-in definition with a number."""

    __tablename__ = "flow_versions"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["organization_id", "flow_id", "content_hash"],
            ["flow_definitions.organization_id", "flow_definitions.flow_id", "flow_definitions.content_hash"],
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    flow_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content_hash: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    change_summary: Mapped[str] = mapped_column(default="")
    tag: Mapped[str | None]
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
