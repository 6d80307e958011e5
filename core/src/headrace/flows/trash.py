"""The trash: what was deleted and can come back to its place; what went with something else comes back with that."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from headrace.access.resolve import reached
from headrace.accounts.permissions import Actor
from headrace.connections.models import Connection
from headrace.flows.models import Flow
from headrace.workspaces.models import Folder, Workspace


class Deletion(Struct, frozen=True, kw_only=True):
    """One thing in the trash.

    Attributes:
        kind: workspace, folder, connection, or the kind of the flow.
        place: Name of the workspace that it was in; empty for what was in none.
        flows: How many flows, jobs included, went with it.
    """

    kind: str
    id: UUID
    name: str
    place: str
    flows: int
    deleted_at: datetime


async def list_(session: AsyncSession, actor: Actor, *, limit: int = 50, offset: int = 0) -> tuple[list[Deletion], int]:
    """What the actor may bring back, the latest first, and how much there is in all.

    Only what still has a place: a flow of a deleted folder is listed once the folder is back.
    """
    found = sa.union_all(_workspaces(actor), _folders(actor), _flows(actor), _connections(actor)).subquery()
    total = await session.scalar(sa.select(sa.func.count()).select_from(found))
    rows = await session.execute(
        sa.select(found).order_by(found.c.deleted_at.desc(), found.c.id).limit(limit).offset(offset)
    )
    return [Deletion(**row._mapping) for row in rows], total or 0


def _went_with(deleted: Any, workspace_id: Any) -> Any:
    """Flows that were deleted in the same act."""
    gone = aliased(Flow)
    return (
        sa.select(sa.func.count())
        .where(
            gone.organization_id == deleted.organization_id, gone.workspace_id == workspace_id,
            gone.deleted_at == deleted.deleted_at,
        )
        .scalar_subquery()
    )  # fmt: skip


def _workspaces(actor: Actor) -> Any:
    return sa.select(
        sa.literal("workspace").label("kind"), Workspace.id, Workspace.name, sa.literal("").label("place"),
        _went_with(Workspace, Workspace.id).label("flows"), Workspace.deleted_at,
    ).where(
        Workspace.organization_id == actor.organization_id, Workspace.deleted_at.is_not(None),
        reached(actor, "workspace:restore", "workspace", Workspace.id),
    )  # fmt: skip


def _inside(row: Any, above_id: Any) -> Any:
    """Rows whose workspace is there, and so is the folder above, if there was one."""
    above = aliased(Folder)
    return (
        sa.and_(Workspace.organization_id == row.organization_id, Workspace.id == row.workspace_id),
        sa.or_(
            above_id.is_(None),
            sa.exists().where(
                above.organization_id == row.organization_id, above.id == above_id, above.deleted_at.is_(None)
            ),
        ),
    )


def _folders(actor: Actor) -> Any:
    workspace, placed = _inside(Folder, Folder.parent_id)
    return (
        sa.select(
            sa.literal("folder"), Folder.id, Folder.name, Workspace.name,
            _went_with(Folder, Folder.workspace_id), Folder.deleted_at,
        )
        .join(Workspace, workspace)
        .where(
            Folder.organization_id == actor.organization_id, Folder.deleted_at.is_not(None),
            Workspace.deleted_at.is_(None), placed, reached(actor, "folder:restore", "folder", Folder.id),
        )
    )  # fmt: skip


def _flows(actor: Actor) -> Any:
    workspace, placed = _inside(Flow, Flow.folder_id)
    return (
        sa.select(Flow.kind, Flow.id, Flow.name, Workspace.name, sa.literal(0), Flow.deleted_at)
        .join(Workspace, workspace)
        .where(
            Flow.organization_id == actor.organization_id, Flow.deleted_at.is_not(None),
            Workspace.deleted_at.is_(None), placed, reached(actor, "flow:restore", "flow", Flow.id),
        )
    )  # fmt: skip


def _connections(actor: Actor) -> Any:
    return sa.select(
        sa.literal("connection"), Connection.id, Connection.name, sa.literal(""), sa.literal(0), Connection.deleted_at
    ).where(
        Connection.organization_id == actor.organization_id, Connection.deleted_at.is_not(None),
        reached(actor, "connection:restore", "connection", Connection.id),
    )  # fmt: skip
