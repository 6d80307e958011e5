"""Organizations: one's own, and the one that one works in."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from headrace.accounts import organizations, sign_in
from headrace.accounts import service as accounts
from headrace.accounts.models import Organization
from headrace.entitlements import service as entitlements
from headrace.entitlements.models import Subscription
from headrace.workspaces import service as workspaces
from litestar import Controller, Request, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.api.auth import Tokens, answer, person
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, given, ok, part_of
from headrace_web.guards import OF_ACCOUNTS, PERSON, SIGNED_IN, permission
from headrace_web.security.cookies import ended_cookies

Domain = Annotated[str, Meta(max_length=253)]


class MineOut(Struct, kw_only=True):
    """An organization of mine, and my role there; `current` is the one that I work in."""

    id: UUID
    name: str
    slug: str
    role: str
    current: bool


class WholeOut(Struct, kw_only=True):
    """The organization that one works in."""

    id: UUID
    name: str
    slug: str
    domain: str | None
    billing_email: str | None
    status: str
    infrastructure_type: str
    subscription_plan: str
    subscription_status: str
    settings: dict[str, Any]
    row_version: int


class OrganizationBody(ApiStruct):
    """A new organization."""

    name: str


class OrganizationPatch(ApiStruct):
    """What to change."""

    name: str | UnsetType = UNSET
    domain: Domain | UnsetType | None = UNSET
    billing_email: str | UnsetType | None = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class OrganizationPut(ApiStruct):
    """An organization as it shall be: what is left out takes its default."""

    name: str
    domain: Domain | None = None
    billing_email: str | None = None
    settings: dict[str, Any] = {}
    row_version: int | UnsetType = UNSET


class OrganizationsController(Controller):
    """Organizations. All but the list are about the one that one works in; `switch` goes to another."""

    path = "/organizations"
    opt = OF_ACCOUNTS
    tags = ("organizations",)

    @get("/", opt=PERSON)
    async def list_organizations(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[MineOut]]:
        """Where I am a member, by name; the present one alone for who came by a sign-in that is good for it only."""
        user_id = person(ctx)
        async with ctx.transaction() as session:
            bound = await sign_in.is_bound(session, ctx.actor)
        async with ctx.services.database.transaction(user_id=user_id) as session:
            found = await organizations.list_mine(session, user_id)
        mine = [
            MineOut(id=one.id, name=one.name, slug=one.slug, role=membership.role,
                    current=one.id == ctx.organization_id)
            for one, membership in found
            if one.id == ctx.organization_id or not bound
        ]  # fmt: skip
        return part_of(mine, paging)

    @post("/", opt=PERSON)
    async def create_organization(
        self, ctx: NamedDependency[Context], data: JSONBody[OrganizationBody]
    ) -> Envelope[WholeOut]:
        """Make an organization and own it; I go on working in the present one."""
        async with ctx.transaction() as session:
            return ok(await _whole(session, await organizations.create(session, ctx.actor, name=data.name)))

    @get("/{organization_id:uuid}", opt=SIGNED_IN)
    async def get_organization(
        self, ctx: NamedDependency[Context], organization_id: FromPath[UUID]
    ) -> Envelope[WholeOut]:
        """The organization that I work in."""
        async with ctx.transaction() as session:
            return ok(await _whole(session, await organizations.get(session, ctx.actor, organization_id)))

    @patch("/{organization_id:uuid}", opt=permission("organization:update"))
    async def update_organization(
        self, ctx: NamedDependency[Context], organization_id: FromPath[UUID], data: JSONBody[OrganizationPatch],
        if_match: IfMatch = None,
    ) -> Envelope[WholeOut]:  # fmt: skip
        """Change what is given."""
        return ok(await _changed(ctx, organization_id, data, if_match))

    @put("/{organization_id:uuid}", opt=permission("organization:update"))
    async def replace_organization(
        self, ctx: NamedDependency[Context], organization_id: FromPath[UUID], data: JSONBody[OrganizationPut],
        if_match: IfMatch = None,
    ) -> Envelope[WholeOut]:  # fmt: skip
        """Put the organization as a whole."""
        return ok(await _changed(ctx, organization_id, data, if_match))

    @delete("/{organization_id:uuid}", opt=permission("organization:delete"), status_code=200)
    async def close_organization(
        self, ctx: NamedDependency[Context], organization_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Close it: everything in it is deleted softly, and nobody can sign in to it any more."""
        async with ctx.transaction() as session:
            await organizations.get(session, ctx.actor, organization_id)
            ctx.actor.require("organization:delete")
        async with ctx.services.database.transaction(organization_id, user_id=ctx.actor.user_id) as session:
            await workspaces.delete_all(session, ctx.actor)
        async with ctx.transaction() as session:
            await organizations.close(session, ctx.actor, organization_id)
        return ok({"id": organization_id})

    @post("/{organization_id:uuid}/switch", opt=PERSON, status_code=200)
    async def switch(
        self, ctx: NamedDependency[Context], request: Request[Any, Any, Any], organization_id: FromPath[UUID]
    ) -> Response[Envelope[Tokens]]:
        """Go on in another organization of mine: this sign-in ends, and its tokens or cookie are of that one."""
        async with ctx.transaction() as session:
            signed_in = await sign_in.switch(session, ctx.services.signer, ctx.actor, organization_id)
        return answer(ctx.services, signed_in, secure=request.url.scheme == "https")

    @post("/{organization_id:uuid}/leave", opt=PERSON, status_code=200)
    async def leave(
        self, ctx: NamedDependency[Context], organization_id: FromPath[UUID]
    ) -> Response[Envelope[dict[str, UUID]]]:
        """Leave the organization that I work in, and be signed out; the last owner stays."""
        async with ctx.transaction() as session:
            await organizations.get(session, ctx.actor, organization_id)
            await accounts.leave(session, ctx.actor)
        return Response(ok({"id": organization_id}), cookies=ended_cookies(ctx.services))


async def _changed(
    ctx: Context, organization_id: UUID, data: OrganizationPatch | OrganizationPut, if_match: str | None
) -> WholeOut:
    async with ctx.transaction() as session:
        await organizations.get(session, ctx.actor, organization_id)
        version = base_version(if_match, data.row_version, "organization")
        row = await organizations.update(
            session, ctx.actor, organization_id, given(data, "row_version"), row_version=version
        )
        return await _whole(session, row)


async def _whole(session: AsyncSession, row: Organization) -> WholeOut:
    """The organization with what it has subscribed to; who has no subscription has the plan of the installation."""
    known = await session.get(Subscription, row.id)
    plan = (await entitlements.organization_info(session, row.id)).plan
    names = [name for name in WholeOut.__struct_fields__ if not name.startswith("subscription_")]
    return WholeOut(
        **{name: getattr(row, name) for name in names}, subscription_plan=plan,
        subscription_status=known.status if known else "active",
    )  # fmt: skip
