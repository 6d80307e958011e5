"""Workspaces: create, change, delete softly, restore."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.service import Actor, clean_name
from headrace.infra.clock import now
from headrace.infra.ids import new_id
from headrace.sdk.errors import Conflict, NotFound, PreconditionFailed
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
    """
    actor.require("workspace:create")
    name = clean_name(name, "workspace")
    await _free_name(session, actor, name)
    workspace = Workspace(
        organization_id=actor.organization_id, id=new_id(), name=name, description=description,
        settings=settings or {}, created_by=actor.user_id,
    )  # fmt: skip
    session.add(workspace)
    await session.flush()
    return workspace


async def get_workspace(session: AsyncSession, actor: Actor, workspace_id: UUID) -> Workspace:
    """A live workspace.

    Raises:
        NotFound: there is none.
    """
    actor.require("workspace:read")
    found = await session.get(Workspace, (actor.organization_id, workspace_id))
    if found is None or found.deleted_at is not None:
        raise NotFound("there is no such workspace", workspace_id=str(workspace_id))
    return found


async def list_workspaces(
    session: AsyncSession, actor: Actor, *, q: str = "", page: int = 1, per_page: int = 50
) -> tuple[list[Workspace], int]:
    """Live workspaces by name, and how many there are in all."""
    actor.require("workspace:read")
    query = sa.select(Workspace).where(
        Workspace.organization_id == actor.organization_id, Workspace.deleted_at.is_(None)
    )
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
    actor.require("workspace:update")
    workspace = await get_workspace(session, actor, workspace_id)
    check_version(workspace.row_version, row_version)
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
    actor.require("workspace:delete")
    workspace = await get_workspace(session, actor, workspace_id)
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


async def restore_workspace(session: AsyncSession, actor: Actor, workspace_id: UUID) -> Workspace:
    """Bring back a deleted workspace with the folders deleted together with it.

    Raises:
        NotFound: it is not deleted, or there is none.
        Conflict: its name has been taken meanwhile.
    """
    actor.require("workspace:restore")
    workspace = await session.get(Workspace, (actor.organization_id, workspace_id), with_for_update=True)
    if workspace is None or workspace.deleted_at is None:
        raise NotFound("there is no such deleted workspace", workspace_id=str(workspace_id))
    await _free_name(session, actor, workspace.name)
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


def check_version(present: int, given: int) -> None:
    """Go on only when the caller's base version is the present one.

    Raises:
        PreconditionFailed: with the present version.
    """
    if present != given:
        raise PreconditionFailed(
            f"the object was changed meanwhile (version {present}, yours is {given}); load it again",
            row_version=present,
        )


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
