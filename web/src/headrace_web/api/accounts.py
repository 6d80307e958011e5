"""One's own sign-ins, and the organization's members."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from headrace.accounts import members, recovery, second_factor, sign_in
from headrace.accounts import service as accounts
from headrace.accounts.models import Membership, User
from headrace.infra.database import set_tenant
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Struct, UnsetType

from headrace_web.api.invitations import InvitationBody, InvitationOut, LinkOut, invited
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, ok, page_of, part_of, shown
from headrace_web.guards import OF_ACCOUNTS, PERSON, of_mine, permission


class SignInOut(Struct, kw_only=True):
    """A live sign-in."""

    id: UUID
    kind: str
    ip_address: str
    user_agent: str
    created_at: datetime
    last_activity_at: datetime
    expires_at: datetime
    is_active: bool = True
    current: bool = False


class MemberOut(Struct, kw_only=True):
    """A member of the organization; `kind` is person or service."""

    id: UUID
    kind: str
    email: str
    username: str | None
    full_name: str
    role: str
    is_active: bool
    last_login_at: datetime | None
    row_version: int


class MemberPatch(ApiStruct):
    """What to change of a member."""

    role: str | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class MemberPut(ApiStruct):
    """A member as they shall be."""

    role: str
    is_active: bool = True
    row_version: int | UnsetType = UNSET


class SessionsController(Controller):
    """One's own sign-ins."""

    path = "/sessions"
    opt = OF_ACCOUNTS
    tags = ("accounts",)

    @get("/", opt=PERSON)
    async def list_sessions(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[SignInOut]]:
        """Where I am signed in."""
        async with ctx.transaction() as session:
            rows = await sign_in.list_sessions(session, ctx.actor)
        found = [shown(SignInOut, row) for row in rows]
        for one in found:
            one.current = one.id == ctx.actor.session_id
        return part_of(found, paging)

    @delete("/", opt=PERSON, status_code=200)
    async def end_sessions(self, ctx: NamedDependency[Context]) -> Envelope[dict[str, int]]:
        """End all my sign-ins but this one."""
        async with ctx.transaction() as session:
            return ok({"ended": await sign_in.end_sessions(session, ctx.actor)})

    @delete("/{session_id:uuid}", opt=PERSON, status_code=200)
    async def end_session(self, ctx: NamedDependency[Context], session_id: FromPath[UUID]) -> Envelope[dict[str, UUID]]:
        """End one of my sign-ins."""
        async with ctx.transaction() as session:
            await sign_in.end_session(session, ctx.actor, session_id)
        return ok({"id": session_id})


class MembersController(Controller):
    """Members of the organization."""

    path = "/members"
    opt = OF_ACCOUNTS
    tags = ("accounts",)

    @get("/", opt=permission("organization:manage_members"))
    async def list_members(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], q: FromQuery[str] = "",
        sort: FromQuery[str] = "full_name",
    ) -> Envelope[list[MemberOut]]:  # fmt: skip
        """Who belongs to the organization; `q` is part of a name or an address."""
        async with ctx.transaction() as session:
            rows, total = await members.find(
                session, ctx.organization_id, q=q, sort=sort, limit=paging.limit, offset=paging.offset
            )
        return page_of([_member(user, membership) for user, membership in rows], total, paging)

    @post("/", opt=permission("organization:manage_members"))
    async def invite_member(
        self, ctx: NamedDependency[Context], data: JSONBody[InvitationBody]
    ) -> Envelope[InvitationOut]:
        """Invite an address, as `POST /invitations` does: nobody becomes a member without having said so."""
        return ok(await invited(ctx, data))

    @get("/{user_id:uuid}", opt=permission("organization:manage_members"))
    async def get_member(self, ctx: NamedDependency[Context], user_id: FromPath[UUID]) -> Envelope[MemberOut]:
        """One member."""
        async with ctx.transaction() as session:
            membership = await accounts.get_member(session, ctx.organization_id, user_id)
            return ok(_member(await accounts.user_by_id(session, user_id), membership))

    @patch("/{user_id:uuid}", opt=permission("organization:manage_members"))
    async def update_member(
        self, ctx: NamedDependency[Context], user_id: FromPath[UUID], data: JSONBody[MemberPatch],
        if_match: IfMatch = None,
    ) -> Envelope[MemberOut]:  # fmt: skip
        """Change the role, shut out, or let in again; acts at the next request of the member."""
        return ok(await _changed(ctx, user_id, data, if_match))

    @put("/{user_id:uuid}", opt=permission("organization:manage_members"))
    async def replace_member(
        self, ctx: NamedDependency[Context], user_id: FromPath[UUID], data: JSONBody[MemberPut],
        if_match: IfMatch = None,
    ) -> Envelope[MemberOut]:  # fmt: skip
        """Put the member as a whole."""
        return ok(await _changed(ctx, user_id, data, if_match))

    @delete("/{user_id:uuid}", opt=permission("organization:manage_members"), status_code=200)
    async def remove_member(self, ctx: NamedDependency[Context], user_id: FromPath[UUID]) -> Envelope[dict[str, UUID]]:
        """Shut a member out; sign-ins, keys, grants and places in groups end."""
        async with ctx.transaction() as session:
            await accounts.remove_member(session, ctx.actor, user_id)
        return ok({"id": user_id})

    @post("/{user_id:uuid}/reset-link", opt=permission("organization:manage_members"), status_code=200)
    async def make_reset_link(self, ctx: NamedDependency[Context], user_id: FromPath[UUID]) -> Envelope[LinkOut]:
        """A link with which a member chooses a new password, good for 15 minutes; for installs without mail."""
        async with ctx.transaction() as session:
            opened = await recovery.help_member(session, ctx.actor, user_id, ctx.services.settings.link_base)
        return ok(LinkOut(link=opened.link))

    @delete("/{user_id:uuid}/second-factor", opt=permission("organization:manage_members"), status_code=200)
    async def forget_second_factor(
        self, ctx: NamedDependency[Context], user_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Remove the second factor of a member who has lost it."""
        async with ctx.transaction() as session:
            await recovery.recoverable(session, ctx.actor, user_id)
            await set_tenant(session, ctx.organization_id, user_id=user_id)
            await second_factor.remove(session, user_id)
        return ok({"id": user_id})


class OrganizationMembersController(MembersController):
    """The same at the organization's own address; another one's is as if it were not."""

    path = "/organizations/{organization_id:uuid}/members"
    guards = (of_mine,)
    tags = ("organizations",)


async def _changed(ctx: Context, user_id: UUID, data: MemberPatch | MemberPut, if_match: str | None) -> MemberOut:
    async with ctx.transaction() as session:
        membership = await accounts.get_member(session, ctx.organization_id, user_id)
        accounts.check_version(membership.row_version, base_version(if_match, data.row_version, "member"))
        if data.role is not UNSET and data.role != membership.role:
            await accounts.set_role(session, ctx.actor, user_id, data.role)
        if data.is_active is True:
            await accounts.activate_member(session, ctx.actor, user_id)
        elif data.is_active is False:
            await accounts.deactivate_member(session, ctx.actor, user_id)
        return _member(await accounts.user_by_id(session, user_id), membership)


def _member(user: User, membership: Membership) -> MemberOut:
    return MemberOut(
        id=user.id, kind=user.kind, email=user.email, username=membership.username, full_name=user.full_name,
        role=membership.role,
        is_active=membership.is_active and user.is_active, last_login_at=user.last_login_at,
        row_version=membership.row_version,
    )  # fmt: skip
