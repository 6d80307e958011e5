"""Workspaces and their folders."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.workspaces import service as workspaces
from headrace.workspaces import tree
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Struct, UnsetType

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, given, merged, ok, page_of, shown
from headrace_web.guards import permission, scoped


class WorkspaceOut(Struct, kw_only=True):
    """A workspace."""

    id: UUID
    name: str
    description: str
    settings: dict[str, Any]
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class FolderOut(Struct, kw_only=True):
    """A folder; `parent_id` makes the tree."""

    id: UUID
    workspace_id: UUID
    parent_id: UUID | None
    name: str
    description: str
    color: str | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class WorkspaceBody(ApiStruct):
    """A new workspace."""

    name: str
    description: str = ""
    settings: dict[str, Any] = {}


class WorkspacePatch(ApiStruct):
    """What to change."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class WorkspacePut(WorkspaceBody):
    """A workspace as it shall be: what is left out takes its default."""

    row_version: int | UnsetType = UNSET


class FolderBody(ApiStruct):
    """A new folder."""

    name: str
    parent_id: UUID | None = None
    description: str = ""
    color: str | None = None


class FolderPatch(ApiStruct):
    """What to change; a `parent_id` moves it, null to the top."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    color: str | UnsetType | None = UNSET
    parent_id: UUID | UnsetType | None = UNSET
    row_version: int | UnsetType = UNSET


class FolderPut(FolderBody):
    """A folder as it shall be: what is left out takes its default; without a `parent_id` it is at the top."""

    row_version: int | UnsetType = UNSET


class WorkspacesController(Controller):
    """Workspaces."""

    path = "/workspaces"
    tags = ("workspaces",)

    @get("/", opt=scoped("workspace:read"))
    async def list_workspaces(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], q: FromQuery[str] = ""
    ) -> Envelope[list[WorkspaceOut]]:
        """Workspaces by name."""
        async with ctx.transaction() as session:
            rows, total = await workspaces.list_workspaces(
                session, ctx.actor, q=q, page=paging.page, per_page=paging.limit
            )
        return page_of([shown(WorkspaceOut, row) for row in rows], total, paging)

    @post("/", opt=permission("workspace:create"))
    async def create_workspace(
        self, ctx: NamedDependency[Context], data: JSONBody[WorkspaceBody]
    ) -> Envelope[WorkspaceOut]:
        """Make a workspace."""
        async with ctx.transaction() as session:
            row = await workspaces.create_workspace(
                session, ctx.actor, name=data.name, description=data.description, settings=data.settings
            )
        return ok(shown(WorkspaceOut, row))

    @get("/{workspace_id:uuid}", opt=permission("workspace:read"))
    async def get_workspace(
        self, ctx: NamedDependency[Context], workspace_id: FromPath[UUID]
    ) -> Envelope[WorkspaceOut]:
        """One workspace."""
        async with ctx.transaction() as session:
            return ok(shown(WorkspaceOut, await workspaces.get_workspace(session, ctx.actor, workspace_id)))

    @patch("/{workspace_id:uuid}", opt=permission("workspace:update"))
    async def update_workspace(
        self,
        ctx: NamedDependency[Context],
        workspace_id: FromPath[UUID],
        data: JSONBody[WorkspacePatch],
        if_match: IfMatch = None,
    ) -> Envelope[WorkspaceOut]:
        """Change what is given."""
        return ok(await _changed_workspace(ctx, workspace_id, data, if_match))

    @put("/{workspace_id:uuid}", opt=permission("workspace:update"))
    async def replace_workspace(
        self, ctx: NamedDependency[Context], workspace_id: FromPath[UUID], data: JSONBody[WorkspacePut],
        if_match: IfMatch = None,
    ) -> Envelope[WorkspaceOut]:  # fmt: skip
        """Put the workspace as a whole."""
        return ok(await _changed_workspace(ctx, workspace_id, data, if_match))

    @delete("/{workspace_id:uuid}", opt=permission("workspace:delete"), status_code=200)
    async def delete_workspace(
        self, ctx: NamedDependency[Context], workspace_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Delete softly, with everything in it."""
        async with ctx.transaction() as session:
            await workspaces.delete_workspace(session, ctx.actor, workspace_id)
        return ok({"id": workspace_id})

    @post("/{workspace_id:uuid}/restore", opt=permission("workspace:restore"), status_code=200)
    async def restore_workspace(
        self, ctx: NamedDependency[Context], workspace_id: FromPath[UUID]
    ) -> Envelope[WorkspaceOut]:
        """Bring back a deleted workspace."""
        async with ctx.transaction() as session:
            return ok(shown(WorkspaceOut, await workspaces.restore_workspace(session, ctx.actor, workspace_id)))

    @get("/{workspace_id:uuid}/folders", opt=scoped("folder:read"))
    async def list_folders(
        self, ctx: NamedDependency[Context], workspace_id: FromPath[UUID]
    ) -> Envelope[list[FolderOut]]:
        """Every folder of a workspace."""
        async with ctx.transaction() as session:
            rows = await tree.list_folders(session, ctx.actor, workspace_id)
        return ok([shown(FolderOut, row) for row in rows])

    @post("/{workspace_id:uuid}/folders", opt=scoped("folder:create"))
    async def create_folder(
        self, ctx: NamedDependency[Context], workspace_id: FromPath[UUID], data: JSONBody[FolderBody]
    ) -> Envelope[FolderOut]:
        """Make a folder."""
        async with ctx.transaction() as session:
            row = await tree.create_folder(
                session, ctx.actor, workspace_id, name=data.name, parent_id=data.parent_id,
                description=data.description, color=data.color,
            )  # fmt: skip
        return ok(shown(FolderOut, row))


class FoldersController(Controller):
    """Folders by their id."""

    path = "/folders"
    tags = ("folders",)

    @get("/{folder_id:uuid}", opt=permission("folder:read"))
    async def get_folder(self, ctx: NamedDependency[Context], folder_id: FromPath[UUID]) -> Envelope[FolderOut]:
        """One folder."""
        async with ctx.transaction() as session:
            return ok(shown(FolderOut, await tree.get_folder(session, ctx.actor, folder_id)))

    @patch("/{folder_id:uuid}", opt=permission("folder:update"))
    async def update_folder(
        self,
        ctx: NamedDependency[Context],
        folder_id: FromPath[UUID],
        data: JSONBody[FolderPatch],
        if_match: IfMatch = None,
    ) -> Envelope[FolderOut]:
        """Rename, describe or move."""
        return ok(await _changed_folder(ctx, folder_id, data, if_match))

    @put("/{folder_id:uuid}", opt=permission("folder:update"))
    async def replace_folder(
        self, ctx: NamedDependency[Context], folder_id: FromPath[UUID], data: JSONBody[FolderPut],
        if_match: IfMatch = None,
    ) -> Envelope[FolderOut]:  # fmt: skip
        """Put the folder as a whole, where it shall be."""
        return ok(await _changed_folder(ctx, folder_id, data, if_match))

    @delete("/{folder_id:uuid}", opt=permission("folder:delete"), status_code=200)
    async def delete_folder(
        self, ctx: NamedDependency[Context], folder_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Delete softly, with everything in it."""
        async with ctx.transaction() as session:
            await tree.delete_folder(session, ctx.actor, folder_id)
        return ok({"id": folder_id})

    @post("/{folder_id:uuid}/restore", opt=permission("folder:restore"), status_code=200)
    async def restore_folder(self, ctx: NamedDependency[Context], folder_id: FromPath[UUID]) -> Envelope[FolderOut]:
        """Bring back a deleted folder with what was in it."""
        async with ctx.transaction() as session:
            return ok(shown(FolderOut, await tree.restore_folder(session, ctx.actor, folder_id)))


async def _changed_workspace(
    ctx: Context, workspace_id: UUID, data: WorkspacePatch | WorkspacePut, if_match: str | None
) -> WorkspaceOut:
    async with ctx.transaction() as session:
        row = await workspaces.get_workspace(session, ctx.actor, workspace_id)
        changes = merged(data, row, "row_version") if isinstance(data, WorkspacePatch) else given(data, "row_version")
        version = base_version(if_match, data.row_version, "workspace")
        row = await workspaces.update_workspace(session, ctx.actor, workspace_id, row_version=version, **changes)
        return shown(WorkspaceOut, row)


async def _changed_folder(
    ctx: Context, folder_id: UUID, data: FolderPatch | FolderPut, if_match: str | None
) -> FolderOut:
    async with ctx.transaction() as session:
        row = await tree.get_folder(session, ctx.actor, folder_id)
        version = base_version(if_match, data.row_version, "folder")
        changes = given(data, "row_version", "parent_id")
        if "color" in changes:
            changes["color"] = changes["color"] or ""
        if changes or data.parent_id is UNSET:
            row = await tree.update_folder(session, ctx.actor, folder_id, row_version=version, **changes)
            version = row.row_version
        if data.parent_id is not UNSET and data.parent_id != row.parent_id:
            row = await tree.move_folder(session, ctx.actor, folder_id, row_version=version, parent_id=data.parent_id)
        return shown(FolderOut, row)
