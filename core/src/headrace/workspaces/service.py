"""Workspaces: create, change, delete softly, restore."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access.resolve import reach, reached
from headrace.accounts.service import Actor, check_version, clean_name
from headrace.entitlements.service import require_writable, reserve
from headrace.infra.clock import now
from headrace.infra.ids import new_id
from headrace.sdk.errors import Conflict, NotFound
from headrace.workspaces.models import Folder, Workspace

Cascade: TypeAlias = Callable[[AsyncSession, Actor, "list[UUID]", "list[UUID]", datetime], Awaitable[None]]

on_delete: list[Cascade] = []
"""Called with (session, actor, workspace ids, folder ids, time) when these are deleted; flows join in here."""

on_restore: list[Cascade] = []
"""The same when they come back; the time is that of the deletion."""


async def create_workspace(
    session: AsyncSession, actor: Actor, *, name: str, description: str = "", settings: dict[str, Any] | None = None
) -> Workspace:
    """Make a workspace.

    Raises:
        Conflict: the organization has one of this name.
        LimitReached: the plan's workspaces are used up.
    """
    actor.require("workspace:create")
    name = clean_name(name, "workspace")
    await _free_name(session, actor, name)
    await reserve(session, "workspaces", within={"user": actor.user_id})
    workspace = Workspace(
        organization_id=actor.organization_id, id=new_id(), name=name, description=description,
        settings=settings or {}, created_by=actor.user_id,
    )  # fmt: skip
    session.add(workspace)
    await session.flush()
    return workspace


async def get_workspace(
    session: AsyncSession, actor: Actor, workspace_id: UUID, *, right: str | None = "workspace:read"
) -> Workspace:
    """A live workspace; `right` is what the actor is to do with it, None when that was asked already.

    Raises:
        NotFound: there is none, or the actor may not know of it.
        Denied: they may not do this.
    """
    if right is not None:
        await reach(session, actor, right, "workspace", workspace_id)
    found = await session.get(Workspace, (actor.organization_id, workspace_id))
    if found is None or found.deleted_at is not None:
        raise NotFound("there is no such workspace", workspace_id=str(workspace_id))
    return found


async def list_workspaces(
    session: AsyncSession, actor: Actor, *, q: str = "", page: int = 1, per_page: int = 50
) -> tuple[list[Workspace], int]:
    """Live workspaces that the actor may read, by name, and how many there are in all."""
    query = sa.select(Workspace).where(
        Workspace.organization_id == actor.organization_id, Workspace.deleted_at.is_(None),
        reached(actor, "workspace:read", "workspace", Workspace.id),
    )  # fmt: skip
    if q:
        query = query.where(Workspace.name.icontains(q, autoescape=True))
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    rows = await session.scalars(
        query.order_by(sa.func.lower(Workspace.name)).limit(per_page).offset((page - 1) * per_page)
    )
    return list(rows.all()), total or 0


async def update_workspace(
    session: AsyncSession, actor: Actor, workspace_id: UUID, *, row_version: int, name: str | None = None,
    description: str | None = None, settings: dict[str, Any] | None = None,
) -> Workspace:  # fmt: skip
    """Change what is given.

    Raises:
        PreconditionFailed: `row_version` is not the present one.
        Conflict: the name is taken.
    """
    workspace = await get_workspace(session, actor, workspace_id, right="workspace:update")
    check_version(workspace.row_version, row_version)
    await require_writable(session, "workspaces", workspace_id)
    if name is not None and name.strip() != workspace.name:
        name = clean_name(name, "workspace")
        await _free_name(session, actor, name, but=workspace_id)
        workspace.name = name
    if description is not None:
        workspace.description = description
    if settings is not None:
        workspace.settings = settings
    await session.flush()
    return workspace


async def delete_workspace(session: AsyncSession, actor: Actor, workspace_id: UUID) -> None:
    """Delete softly, with everything in it."""
    workspace = await get_workspace(session, actor, workspace_id, right="workspace:delete")
    at = now()
    gone = await session.scalars(
        sa.update(Folder)
        .where(
            Folder.organization_id == actor.organization_id,
            Folder.workspace_id == workspace_id,
            Folder.deleted_at.is_(None),
        )
        .values(deleted_at=at, row_version=Folder.row_version + 1)
        .returning(Folder.id)
    )
    folder_ids = list(gone.all())
    for cascade in on_delete:
        await cascade(session, actor, [workspace_id], folder_ids, at)
    workspace.deleted_at = at
    await session.flush()


async def delete_all(session: AsyncSession, actor: Actor) -> None:
    """Delete every workspace softly: the organization closes."""
    actor.require("organization:delete")
    live = sa.select(Workspace.id).where(
        Workspace.organization_id == actor.organization_id, Workspace.deleted_at.is_(None)
    )
    for workspace_id in (await session.scalars(live)).all():
        await delete_workspace(session, actor, workspace_id)


async def restore_workspace(session: AsyncSession, actor: Actor, workspace_id: UUID) -> Workspace:
    """Bring back a deleted workspace with the folders deleted together with it.

    Raises:
        NotFound: it is not deleted, or there is none.
        Conflict: its name has been taken meanwhile.
        LimitReached: the plan has no room for it, or for what is in it.
    """
    await reach(session, actor, "workspace:restore", "workspace", workspace_id)
    workspace = await session.get(Workspace, (actor.organization_id, workspace_id), with_for_update=True)
    if workspace is None or workspace.deleted_at is None:
        raise NotFound("there is no such deleted workspace", workspace_id=str(workspace_id))
    await _free_name(session, actor, workspace.name)
    await reserve(session, "workspaces", within={"user": workspace.created_by})
    await session.execute(
        sa.update(Folder)
        .where(
            Folder.organization_id == actor.organization_id,
            Folder.workspace_id == workspace_id,
            Folder.deleted_at == workspace.deleted_at,
        )
        .values(deleted_at=None, row_version=Folder.row_version + 1)
    )
    for cascade in on_restore:
        await cascade(session, actor, [workspace_id], [], workspace.deleted_at)
    workspace.deleted_at = None
    await session.flush()
    return workspace


async def _free_name(session: AsyncSession, actor: Actor, name: str, *, but: UUID | None = None) -> None:
    query = sa.select(Workspace.id).where(
        Workspace.organization_id == actor.organization_id,
        sa.func.lower(Workspace.name) == name.lower(),
        Workspace.deleted_at.is_(None),
    )
    if but is not None:
        query = query.where(Workspace.id != but)
    if await session.scalar(query):
        raise Conflict(f"there is a workspace named '{name}' already; choose another name", field="name")
