"""Groups of members."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from headrace.access import grants
from headrace.accounts import groups
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Struct, UnsetType

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, given, ok, page_of, part_of, shown
from headrace_web.guards import OF_ACCOUNTS, permission

_MANAGE = permission("organization:manage_members")


class GroupOut(Struct, kw_only=True):
    """A group."""

    id: UUID
    name: str
    description: str
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class GroupBody(ApiStruct):
    """A new group."""

    name: str
    description: str = ""


class GroupPatch(ApiStruct):
    """What to change."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class GroupPut(ApiStruct):
    """A group as it shall be."""

    name: str
    description: str = ""
    row_version: int | UnsetType = UNSET


class GroupMemberBody(ApiStruct):
    """Who joins."""

    user_id: UUID


class GroupMemberOut(Struct, kw_only=True):
    """A member of a group; who is not active has nothing by it for now."""

    user_id: UUID
    email: str
    full_name: str
    is_active: bool


class GroupsController(Controller):
    """Groups. What a group is granted all of it have; who manages members changes none with more rights than theirs."""

    path = "/groups"
    opt = OF_ACCOUNTS
    tags = ("groups",)

    @get("/", opt=_MANAGE)
    async def list_groups(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], q: FromQuery[str] = "",
        sort: FromQuery[str] = "name",
    ) -> Envelope[list[GroupOut]]:  # fmt: skip
        """Groups of the organization."""
        async with ctx.transaction() as session:
            rows, total = await groups.list_(
                session, ctx.actor, q=q, sort=sort, limit=paging.limit, offset=paging.offset
            )
        return page_of([shown(GroupOut, row) for row in rows], total, paging)

    @post("/", opt=_MANAGE)
    async def create_group(self, ctx: NamedDependency[Context], data: JSONBody[GroupBody]) -> Envelope[GroupOut]:
        """Make a group."""
        async with ctx.transaction() as session:
            row = await groups.create(session, ctx.actor, name=data.name, description=data.description)
        return ok(shown(GroupOut, row))

    @get("/{group_id:uuid}", opt=_MANAGE)
    async def get_group(self, ctx: NamedDependency[Context], group_id: FromPath[UUID]) -> Envelope[GroupOut]:
        """One group."""
        async with ctx.transaction() as session:
            return ok(shown(GroupOut, await groups.get(session, ctx.actor, group_id)))

    @patch("/{group_id:uuid}", opt=_MANAGE)
    async def update_group(
        self, ctx: NamedDependency[Context], group_id: FromPath[UUID], data: JSONBody[GroupPatch],
        if_match: IfMatch = None,
    ) -> Envelope[GroupOut]:  # fmt: skip
        """Rename or describe."""
        return ok(await _changed(ctx, group_id, data, if_match))

    @put("/{group_id:uuid}", opt=_MANAGE)
    async def replace_group(
        self, ctx: NamedDependency[Context], group_id: FromPath[UUID], data: JSONBody[GroupPut],
        if_match: IfMatch = None,
    ) -> Envelope[GroupOut]:  # fmt: skip
        """Put the group as a whole; who is in it stays."""
        return ok(await _changed(ctx, group_id, data, if_match))

    @delete("/{group_id:uuid}", opt=_MANAGE, status_code=200)
    async def delete_group(self, ctx: NamedDependency[Context], group_id: FromPath[UUID]) -> Envelope[dict[str, UUID]]:
        """Remove a group with its grants."""
        async with ctx.transaction() as session:
            await grants.delete_group(session, ctx.actor, group_id)
        return ok({"id": group_id})

    @get("/{group_id:uuid}/members", opt=_MANAGE)
    async def list_group_members(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], group_id: FromPath[UUID]
    ) -> Envelope[list[GroupMemberOut]]:
        """Who is in it, by name."""
        async with ctx.transaction() as session:
            found = await groups.members(session, ctx.actor, group_id)
        shown_ = [
            GroupMemberOut(user_id=user.id, email=user.email, full_name=user.full_name,
                           is_active=user.is_active and membership.is_active)
            for user, membership in found
        ]  # fmt: skip
        return part_of(shown_, paging)

    @post("/{group_id:uuid}/members", opt=_MANAGE)
    async def add_group_member(
        self, ctx: NamedDependency[Context], group_id: FromPath[UUID], data: JSONBody[GroupMemberBody]
    ) -> Envelope[dict[str, UUID]]:
        """Put a member into the group."""
        async with ctx.transaction() as session:
            await grants.add_to_group(session, ctx.actor, group_id, data.user_id)
        return ok({"group_id": group_id, "user_id": data.user_id})

    @delete("/{group_id:uuid}/members/{user_id:uuid}", opt=_MANAGE, status_code=200)
    async def remove_group_member(
        self, ctx: NamedDependency[Context], group_id: FromPath[UUID], user_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Take a member out of the group."""
        async with ctx.transaction() as session:
            await grants.remove_from_group(session, ctx.actor, group_id, user_id)
        return ok({"group_id": group_id, "user_id": user_id})


async def _changed(ctx: Context, group_id: UUID, data: GroupPatch | GroupPut, if_match: str | None) -> GroupOut:
    async with ctx.transaction() as session:
        await groups.get(session, ctx.actor, group_id)
        version = base_version(if_match, data.row_version, "group")
        row = await groups.update(session, ctx.actor, group_id, given(data, "row_version"), row_version=version)
        return shown(GroupOut, row)
