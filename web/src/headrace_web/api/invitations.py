"""Invitations: who may become a member, and becoming one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from headrace.accounts import invitations
from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from headrace_web.api.passwords import count_link
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, ok, page_of, shown
from headrace_web.guards import ENTRANCE, OF_ACCOUNTS, permission
from headrace_web.limits import count_attempt
from headrace_web.security.address import client_address
from headrace_web.services import Services


class InvitationOut(Struct, kw_only=True):
    """An open invitation. `link` is there where no mail server sends it: hand it over."""

    id: UUID
    email: str
    role: str
    invited_by: UUID | None
    expires_at: datetime
    created_at: datetime
    link: str | None = None


class InvitationBody(ApiStruct):
    """Whom to invite."""

    email: str
    role: str = "viewer"
    days: Annotated[int, Meta(ge=1, le=invitations.DAYS_MAX)] = 7


class LookBody(ApiStruct):
    """The token of an invitation's link."""

    token: str


class AcceptBody(ApiStruct):
    """The token of an invitation's link; the password of one's account, or of the new one with this name."""

    token: str
    password: str
    full_name: str = ""


class Accepted(Struct, kw_only=True):
    """One is a member now; sign in."""

    organization_id: UUID
    email: str
    role: str


class LinkOut(Struct, kw_only=True):
    """A one-time link, for the admin who asked to hand over."""

    link: str


class InvitationsController(Controller):
    """Invitations."""

    path = "/invitations"
    opt = OF_ACCOUNTS
    tags = ("invitations",)

    @get("/", opt=permission("organization:manage_members"))
    async def list_invitations(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[InvitationOut]]:
        """Open invitations, newest first."""
        async with ctx.transaction() as session:
            rows, total = await invitations.list_open(session, ctx.actor, limit=paging.limit, offset=paging.offset)
        return page_of([shown(InvitationOut, row) for row in rows], total, paging)

    @post("/", opt=permission("organization:manage_members"))
    async def invite(self, ctx: NamedDependency[Context], data: JSONBody[InvitationBody]) -> Envelope[InvitationOut]:
        """Invite an address, with a role of at most one's own rights."""
        return ok(await invited(ctx, data))

    @post("/{invitation_id:uuid}/link", opt=permission("organization:manage_members"), status_code=200)
    async def make_link(self, ctx: NamedDependency[Context], invitation_id: FromPath[UUID]) -> Envelope[LinkOut]:
        """A new link to hand over; the one made before is void."""
        async with ctx.transaction() as session:
            opened = await invitations.open_link(session, ctx.actor, invitation_id, ctx.services.settings.link_base)
        return ok(LinkOut(link=opened.link))

    @delete("/{invitation_id:uuid}", opt=permission("organization:manage_members"), status_code=200)
    async def revoke(self, ctx: NamedDependency[Context], invitation_id: FromPath[UUID]) -> Envelope[dict[str, UUID]]:
        """End an invitation; its link is void."""
        async with ctx.transaction() as session:
            await invitations.revoke(session, ctx.actor, invitation_id)
        return ok({"id": invitation_id})

    @post("/look", opt=ENTRANCE, status_code=200, security=[])
    async def look(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], data: JSONBody[LookBody]
    ) -> Envelope[invitations.Shown]:
        """What a link invites to."""
        await count_link(services, request)
        async with services.database.transaction() as session:
            return ok(await invitations.look(session, data.token))

    @post("/accept", opt=ENTRANCE, status_code=200, security=[])
    async def accept(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], data: JSONBody[AcceptBody]
    ) -> Envelope[Accepted]:
        """Become a member; then sign in. Guesses of the account's password count as those of its sign-in."""
        await count_link(services, request)
        async with services.database.transaction() as session:
            asked = await invitations.look(session, data.token)
        await count_attempt(services, account=asked.email, address=client_address(request))
        async with services.database.transaction() as session:
            user, membership = await invitations.accept(
                session, token=data.token, password=data.password, full_name=data.full_name
            )
        return ok(Accepted(organization_id=membership.organization_id, email=user.email, role=membership.role))


async def invited(ctx: Context, data: InvitationBody) -> InvitationOut:
    """An invitation to the actor's organization; with its link where no mail server sends it."""
    settings = ctx.services.settings
    async with ctx.transaction() as session:
        row = await invitations.invite(
            session, ctx.actor, email=data.email, role=data.role, lifetime=timedelta(days=data.days)
        )
        made = shown(InvitationOut, row)
        if not settings.smtp_url:
            made.link = (await invitations.open_link(session, ctx.actor, row.id, settings.link_base)).link
    return made
