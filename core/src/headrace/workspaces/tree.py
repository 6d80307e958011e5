"""Folders: nested up to 32 deep, unique live names, moved without cycles, deleted as a tree."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from headrace.access.grants import refuse_gain
from headrace.access.resolve import reach, reached
from headrace.accounts.service import Actor, check_version, clean_name
from headrace.infra.clock import now
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict, NotFound
from headrace.workspaces.models import Folder, Workspace
from headrace.workspaces.service import get_workspace, on_delete, on_restore

MAX_DEPTH = 32


async def create_folder(
    session: AsyncSession, actor: Actor, workspace_id: UUID, *, name: str, parent_id: UUID | None = None,
    description: str = "", color: str | None = None,
) -> Folder:  # fmt: skip
    """Make a folder at the top of a workspace or in another folder.

    Raises:
        NotFound: no such workspace, or the parent is not in it.
        Conflict: the name is taken there.
        ConfigError: too deep.
    """
    await require_place(session, actor, "folder:create", workspace_id, parent_id)
    await get_workspace(session, actor, workspace_id, right=None)
    await _lock_tree(session, actor, workspace_id)
    name = clean_name(name, "folder")
    if parent_id is not None and len(await path(session, actor, parent_id)) >= MAX_DEPTH:
        raise ConfigError(f"folders nest at most {MAX_DEPTH} deep; choose a higher one", field="parent_id")
    await _free_name(session, actor, workspace_id, parent_id, name)
    folder = Folder(
        organization_id=actor.organization_id, id=new_id(), workspace_id=workspace_id, parent_id=parent_id, name=name,
        description=description, color=color, created_by=actor.user_id,
    )  # fmt: skip
    session.add(folder)
    await session.flush()
    return folder


async def get_folder(
    session: AsyncSession, actor: Actor, folder_id: UUID, *, right: str | None = "folder:read"
) -> Folder:
    """A live folder; `right` is what the actor is to do with it, None when that was asked already.

    Raises:
        NotFound: there is none, or the actor may not know of it.
        Denied: they may not do this.
    """
    if right is not None:
        await reach(session, actor, right, "folder", folder_id)
    found = await session.get(Folder, (actor.organization_id, folder_id))
    if found is None or found.deleted_at is not None:
        raise NotFound("there is no such folder", folder_id=str(folder_id))
    return found


async def require_place(
    session: AsyncSession, actor: Actor, permission: str, workspace_id: UUID, folder_id: UUID | None
) -> None:
    """Go on only when the actor may do this in the folder, or at the top of the workspace.

    Raises:
        NotFound: there is no such place, or they may not know of it.
        Denied: they may not do this there.
    """
    if folder_id is None:
        await reach(session, actor, permission, "workspace", workspace_id)
        return
    await reach(session, actor, permission, "folder", folder_id)
    await _parent(session, actor, workspace_id, folder_id)


async def list_folders(session: AsyncSession, actor: Actor, workspace_id: UUID) -> list[Folder]:
    """Every live folder of a workspace that the actor may read, by name; `parent_id` makes the tree."""
    query = sa.select(Folder).where(
        Folder.organization_id == actor.organization_id,
        Folder.workspace_id == workspace_id,
        Folder.deleted_at.is_(None),
        reached(actor, "folder:read", "folder", Folder.id),
    )
    rows = list((await session.scalars(query.order_by(sa.func.lower(Folder.name), Folder.id))).all())
    if not rows:
        await get_workspace(session, actor, workspace_id)
    return rows


async def path(session: AsyncSession, actor: Actor, folder_id: UUID) -> list[Folder]:
    """The folder and those above it, the top first."""
    start = sa.select(Folder.id, Folder.parent_id, sa.literal(0).label("step")).where(
        Folder.organization_id == actor.organization_id, Folder.id == folder_id
    )
    up = start.cte("up", recursive=True)
    above = aliased(Folder)
    up = up.union_all(
        sa.select(above.id, above.parent_id, up.c.step + 1).where(
            above.organization_id == actor.organization_id, above.id == up.c.parent_id, up.c.step < MAX_DEPTH * 2
        )
    )
    query = sa.select(Folder).join(up, Folder.id == up.c.id).where(Folder.organization_id == actor.organization_id)
    return list((await session.scalars(query.order_by(up.c.step.desc()))).all())


async def update_folder(
    session: AsyncSession, actor: Actor, folder_id: UUID, *, row_version: int, name: str | None = None,
    description: str | None = None, color: str | None = None,
) -> Folder:  # fmt: skip
    """Rename or describe.

    Raises:
        PreconditionFailed: `row_version` is not the present one.
        Conflict: the name is taken.
    """
    folder = await get_folder(session, actor, folder_id, right="folder:update")
    check_version(folder.row_version, row_version)
    if name is not None and name.strip() != folder.name:
        name = clean_name(name, "folder")
        await _free_name(session, actor, folder.workspace_id, folder.parent_id, name, but=folder_id)
        folder.name = name
    if description is not None:
        folder.description = description
    if color is not None:
        folder.color = color or None
    await session.flush()
    return folder


async def move_folder(
    session: AsyncSession, actor: Actor, folder_id: UUID, *, row_version: int, parent_id: UUID | None
) -> Folder:
    """Move inside the workspace; None is its top.

    Raises:
        ConfigError: into itself or below itself, or too deep.
        Conflict: the name is taken there.
        PreconditionFailed: `row_version` is not the present one.
    """
    folder = await get_folder(session, actor, folder_id, right="folder:update")
    await _lock_tree(session, actor, folder.workspace_id)
    await session.refresh(folder)
    check_version(folder.row_version, row_version)
    await move_into(session, actor, "folder", folder_id, folder.workspace_id, parent_id)
    below = await _subtree(session, actor, folder_id)
    if parent_id is not None:
        if parent_id in below:
            raise ConfigError("a folder cannot be moved into itself or a folder below it", field="parent_id")
        if len(await path(session, actor, parent_id)) + max(below.values()) > MAX_DEPTH:
            raise ConfigError(f"folders nest at most {MAX_DEPTH} deep; choose a higher one", field="parent_id")
    await _free_name(session, actor, folder.workspace_id, parent_id, folder.name, but=folder_id)
    folder.parent_id = parent_id
    await session.flush()
    return folder


async def move_into(
    session: AsyncSession, actor: Actor, kind: str, object_id: UUID, workspace_id: UUID, folder_id: UUID | None
) -> None:
    """Go on only when the actor may put this there, and has no more rights over it then than now.

    Raises:
        NotFound, Denied: otherwise.
    """
    await require_place(session, actor, f"{kind}:create", workspace_id, folder_id)
    place, into = ("folder", folder_id) if folder_id else ("workspace", workspace_id)
    await refuse_gain(session, actor, kind, object_id, place, into)


async def delete_folder(session: AsyncSession, actor: Actor, folder_id: UUID) -> None:
    """Delete softly, with everything in it."""
    folder = await get_folder(session, actor, folder_id, right="folder:delete")
    await _lock_tree(session, actor, folder.workspace_id)
    ids = list(await _subtree(session, actor, folder_id))
    at = now()
    await session.execute(
        sa.update(Folder)
        .where(Folder.organization_id == actor.organization_id, Folder.id.in_(ids), Folder.deleted_at.is_(None))
        .values(deleted_at=at, row_version=Folder.row_version + 1)
    )
    for cascade in on_delete:
        await cascade(session, actor, [], ids, at)


async def restore_folder(session: AsyncSession, actor: Actor, folder_id: UUID) -> Folder:
    """Bring a deleted folder back with all that was deleted together with it.

    Raises:
        NotFound: it is not deleted, or there is none, or what it was in is gone.
        Conflict: its name has been taken meanwhile.
        LimitReached: the plan has no room for what is in it.
    """
    await reach(session, actor, "folder:restore", "folder", folder_id)
    folder = await session.get(Folder, (actor.organization_id, folder_id), with_for_update=True)
    if folder is None or folder.deleted_at is None:
        raise NotFound("there is no such deleted folder", resource="folder")
    at = folder.deleted_at
    await get_workspace(session, actor, folder.workspace_id, right=None)
    await _lock_tree(session, actor, folder.workspace_id)
    if folder.parent_id is not None:
        await _parent(session, actor, folder.workspace_id, folder.parent_id)
    await _free_name(session, actor, folder.workspace_id, folder.parent_id, folder.name)
    ids = list(await _subtree(session, actor, folder_id, at))
    await session.execute(
        sa.update(Folder)
        .where(Folder.organization_id == actor.organization_id, Folder.id.in_(ids), Folder.deleted_at == at)
        .values(deleted_at=None, row_version=Folder.row_version + 1)
    )
    for cascade in on_restore:
        await cascade(session, actor, [], ids, at)
    await session.refresh(folder)
    return folder


async def _lock_tree(session: AsyncSession, actor: Actor, workspace_id: UUID) -> None:
    """One change of a workspace's tree at a time: two moves could close a circle that neither sees."""
    query = sa.select(Workspace.id).where(
        Workspace.organization_id == actor.organization_id, Workspace.id == workspace_id
    )
    await session.execute(query.with_for_update())


async def _parent(session: AsyncSession, actor: Actor, workspace_id: UUID, parent_id: UUID) -> None:
    parent = await get_folder(session, actor, parent_id, right=None)
    if parent.workspace_id != workspace_id:
        raise NotFound("there is no such folder in this workspace", folder_id=str(parent_id))


async def _subtree(
    session: AsyncSession, actor: Actor, folder_id: UUID, deleted_at: datetime | None = None
) -> dict[UUID, int]:
    """Ids of the folder and those below it, live or deleted then, with their depth counted from 1."""
    start = sa.select(Folder.id, sa.literal(1).label("depth")).where(
        Folder.organization_id == actor.organization_id, Folder.id == folder_id
    )
    down = start.cte("down", recursive=True)
    below = aliased(Folder)
    down = down.union_all(
        sa.select(below.id, down.c.depth + 1).where(
            below.organization_id == actor.organization_id,
            below.parent_id == down.c.id,
            below.deleted_at.is_not_distinct_from(deleted_at),
            down.c.depth < MAX_DEPTH * 2,
        )
    )
    return {row.id: row.depth for row in await session.execute(sa.select(down.c.id, down.c.depth))}


async def _free_name(
    session: AsyncSession,
    actor: Actor,
    workspace_id: UUID,
    parent_id: UUID | None,
    name: str,
    *,
    but: UUID | None = None,
) -> None:
    query = sa.select(Folder.id).where(
        Folder.organization_id == actor.organization_id,
        Folder.workspace_id == workspace_id,
        Folder.parent_id.is_(None) if parent_id is None else Folder.parent_id == parent_id,
        sa.func.lower(Folder.name) == name.lower(),
        Folder.deleted_at.is_(None),
    )
    if but is not None:
        query = query.where(Folder.id != but)
    if await session.scalar(query):
        raise Conflict(f"there is a folder named '{name}' here already; choose another name", field="name")
