"""Roles: ours, and those that the organization has made of permissions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from headrace.accounts import roles
from headrace.accounts.models import Role
from headrace.accounts.permissions import PERMISSIONS
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Struct, UnsetType

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, given, ok, part_of
from headrace_web.guards import OF_ACCOUNTS, SIGNED_IN, permission


class RoleOut(Struct, kw_only=True):
    """A role. `id` is what members, invitations and grants name it by; ours have their name as id, and no version."""

    id: str
    name: str
    description: str
    permissions: list[str]
    built_in: bool
    created_at: datetime | None = None
    updated_at: datetime | None = None
    row_version: int | None = None


class RoleBody(ApiStruct):
    """A new role."""

    name: str
    permissions: list[str]
    description: str = ""


class RolePatch(ApiStruct):
    """What to change."""

    name: str | UnsetType = UNSET
    permissions: list[str] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class RolePut(ApiStruct):
    """A role as it shall be."""

    name: str
    permissions: list[str]
    description: str = ""
    row_version: int | UnsetType = UNSET


class RolesController(Controller):
    """Roles. Nobody makes or changes one with more rights than they have."""

    path = "/roles"
    opt = OF_ACCOUNTS
    tags = ("roles",)

    @get("/", opt=SIGNED_IN)
    async def list_roles(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[RoleOut]]:
        """Ours, the weakest first, then the organization's by name."""
        async with ctx.transaction() as session:
            return part_of([*map(_ours, PERMISSIONS), *map(_shown, await roles.list_(session, ctx.actor))], paging)

    @post("/", opt=permission("organization:manage_members"))
    async def create_role(self, ctx: NamedDependency[Context], data: JSONBody[RoleBody]) -> Envelope[RoleOut]:
        """Make a role."""
        async with ctx.transaction() as session:
            row = await roles.create(
                session, ctx.actor, name=data.name, permissions=data.permissions, description=data.description
            )
        return ok(_shown(row))

    @get("/{role_id:uuid}", opt=SIGNED_IN)
    async def get_role(self, ctx: NamedDependency[Context], role_id: FromPath[UUID]) -> Envelope[RoleOut]:
        """One of the organization's own."""
        async with ctx.transaction() as session:
            return ok(_shown(await roles.get(session, ctx.actor, role_id)))

    @patch("/{role_id:uuid}", opt=permission("organization:manage_members"))
    async def update_role(
        self, ctx: NamedDependency[Context], role_id: FromPath[UUID], data: JSONBody[RolePatch],
        if_match: IfMatch = None,
    ) -> Envelope[RoleOut]:  # fmt: skip
        """Change what is given; whoever has it has the new rights at once."""
        return ok(await _changed(ctx, role_id, data, if_match))

    @put("/{role_id:uuid}", opt=permission("organization:manage_members"))
    async def replace_role(
        self, ctx: NamedDependency[Context], role_id: FromPath[UUID], data: JSONBody[RolePut],
        if_match: IfMatch = None,
    ) -> Envelope[RoleOut]:  # fmt: skip
        """Put the role as a whole."""
        return ok(await _changed(ctx, role_id, data, if_match))

    @delete("/{role_id:uuid}", opt=permission("organization:manage_members"), status_code=200)
    async def delete_role(self, ctx: NamedDependency[Context], role_id: FromPath[UUID]) -> Envelope[dict[str, UUID]]:
        """Remove a role that nobody has."""
        async with ctx.transaction() as session:
            await roles.delete(session, ctx.actor, role_id)
        return ok({"id": role_id})


async def _changed(ctx: Context, role_id: UUID, data: RolePatch | RolePut, if_match: str | None) -> RoleOut:
    async with ctx.transaction() as session:
        await roles.get(session, ctx.actor, role_id)
        version = base_version(if_match, data.row_version, "role")
        row = await roles.update(session, ctx.actor, role_id, given(data, "row_version"), row_version=version)
        return _shown(row)


def _ours(name: str) -> RoleOut:
    return RoleOut(id=name, name=name, description="", permissions=sorted(PERMISSIONS[name]), built_in=True)


def _shown(row: Role) -> RoleOut:
    return RoleOut(
        id=str(row.id), name=row.name, description=row.description, permissions=sorted(row.permissions),
        built_in=False, created_at=row.created_at, updated_at=row.updated_at, row_version=row.row_version,
    )  # fmt: skip
