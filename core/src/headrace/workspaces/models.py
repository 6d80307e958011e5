"""Workspaces and nested folders."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.models import TenantModel, tenant_key


class Workspace(TenantModel):
    """Holds folders, flows and connections of a team."""

    __tablename__ = "workspaces"

    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    created_by: Mapped[UUID | None]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
        sa.Index(
            "uq_workspaces_name", "organization_id", sa.text("lower(name)"), unique=True,
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
    )  # fmt: skip


class Folder(TenantModel):
    """A folder of a workspace, at the top or in another folder of the same workspace."""

    __tablename__ = "folders"

    workspace_id: Mapped[UUID]
    parent_id: Mapped[UUID | None]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    color: Mapped[str | None]
    created_by: Mapped[UUID | None]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "workspace_id", "id"),
        tenant_key("workspace_id", "workspaces", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organization_id", "workspace_id", "parent_id"],
            ["folders.organization_id", "folders.workspace_id", "folders.id"],
        ),
        sa.Index(
            "uq_folders_name", "organization_id", "workspace_id", "parent_id", sa.text("lower(name)"), unique=True,
            postgresql_where=sa.text("deleted_at IS NULL"), postgresql_nulls_not_distinct=True,
        ),
        sa.Index("ix_folders_parent_id", "organization_id", "parent_id"),
    )  # fmt: skip
