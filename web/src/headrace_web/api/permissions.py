"""Grants on single objects, and why somebody may do something."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from headrace.access import grants, resolve
from headrace.access.levels import Level
from headrace.access.resolve import Answer, Kind
from headrace.accounts import service as accounts
from headrace.accounts import sign_in
from headrace.accounts.permissions import EVERY, permissions_named
from headrace.sdk.errors import ConfigError
from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, ok, page_of, shown
from headrace_web.guards import SIGNED_IN, scoped


class GrantOut(Struct, kw_only=True):
    """A grant."""

    id: UUID
    object_type: str
    object_id: UUID
    user_id: UUID | None
    group_id: UUID | None
    level: str | None
    role: str | None
    expires_at: datetime | None
    created_by: UUID | None
    created_at: datetime


class GrantBody(ApiStruct):
    """A new grant: to a user or a group, of a level or a role, on an object and on what is in it."""

    object_type: Kind
    object_id: UUID
    user_id: UUID | None = None
    group_id: UUID | None = None
    level: Level | None = None
    role: str | None = None
    expires_at: datetime | None = None


class PermissionsController(Controller):
    """Grants. Nobody gives, or takes away, more than they have on the object themselves."""

    path = "/permissions"
    tags = ("permissions",)

    @get("/", opt=scoped("grant:manage"))
    async def list_grants(
        self,
        ctx: NamedDependency[Context],
        paging: NamedDependency[Paging],
        object_type: FromQuery[Kind | None] = None,
        object_id: FromQuery[UUID | None] = None,
        user_id: FromQuery[UUID | None] = None,
        group_id: FromQuery[UUID | None] = None,
    ) -> Envelope[list[GrantOut]]:
        """Grants, newest first: all of the organization, or those on the object of `object_type` and `object_id`."""
        async with ctx.transaction() as session:
            rows, total = await grants.list_(
                session, ctx.actor, object_type=object_type, object_id=object_id, user_id=user_id, group_id=group_id,
                limit=paging.limit, offset=paging.offset,
            )  # fmt: skip
        return page_of([shown(GrantOut, row) for row in rows], total, paging)

    @post("/", opt=scoped("grant:manage"))
    async def give_grant(self, ctx: NamedDependency[Context], data: JSONBody[GrantBody]) -> Envelope[GrantOut]:
        """Give a level or a role on an object; it counts at once."""
        async with ctx.transaction() as session:
            row = await grants.give(
                session, ctx.actor, object_type=data.object_type, object_id=data.object_id, user_id=data.user_id,
                group_id=data.group_id, level=data.level, role=data.role, expires_at=data.expires_at,
            )  # fmt: skip
        return ok(shown(GrantOut, row))

    @delete("/{grant_id:uuid}", opt=scoped("grant:manage"), status_code=200)
    async def take_grant(self, ctx: NamedDependency[Context], grant_id: FromPath[UUID]) -> Envelope[dict[str, UUID]]:
        """End a grant at once."""
        async with ctx.transaction() as session:
            await grants.take(session, ctx.actor, grant_id)
        return ok({"id": grant_id})

    @get("/check", opt=SIGNED_IN)
    async def check(
        self,
        ctx: NamedDependency[Context],
        permission: FromQuery[str],
        object_type: FromQuery[Kind],
        object_id: FromQuery[UUID],
        user_id: FromQuery[UUID | None] = None,
    ) -> Envelope[Answer]:
        """Whether I may do this with the object, by which layer and why; or a member, for who manages grants there."""
        named = permissions_named(permission)
        if not EVERY.issuperset(named):
            raise ConfigError(f"there is no permission '{permission}'", field="permission")
        async with ctx.transaction() as session:
            mine = user_id in {None, ctx.actor.user_id}
            if not mine:
                await resolve.reach(session, ctx.actor, grants.MANAGE, object_type, object_id)
            answers = [
                await resolve.explain(session, ctx.actor, one, object_type, object_id) if mine
                else await _of_member(ctx, session, user_id, one, object_type, object_id)
                for one in named
            ]  # fmt: skip
        return ok(next((one for one in answers if not one.allowed), answers[-1]))


async def _of_member(
    ctx: Context, session: AsyncSession, user_id: UUID | None, permission: str, kind: Kind, object_id: UUID
) -> Answer:
    found = await accounts.member_and_user(session, ctx.organization_id, user_id) if user_id else None
    if found is None:
        return Answer(allowed=False, reason="this user is not an active member of the organization")
    actor = await sign_in.actor_of(session, *found)
    return await resolve.explain(session, actor, permission, kind, object_id, known=True)
