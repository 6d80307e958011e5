"""One's own account: sign-ins and password; the organization's members."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from headrace.accounts import service as accounts
from headrace.accounts import sign_in
from headrace.sdk.errors import Unauthenticated
from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok, shown
from headrace_web.guards import SIGNED_IN, permission


class SignInOut(Struct, kw_only=True):
    """A live sign-in."""

    id: UUID
    kind: str
    ip_address: str
    user_agent: str
    created_at: datetime
    last_activity_at: datetime
    current: bool = False


class MemberOut(Struct, kw_only=True):
    """A member of the organization."""

    id: UUID
    email: str
    full_name: str
    role: str
    is_active: bool


class PasswordBody(ApiStruct):
    """A change of password."""

    old_password: str
    new_password: str


class AccountController(Controller):
    """One's own account."""

    path = "/account"
    tags = ("accounts",)

    @get("/sessions", opt=SIGNED_IN)
    async def list_sessions(self, ctx: NamedDependency[Context]) -> Envelope[list[SignInOut]]:
        """Where I am signed in."""
        async with ctx.transaction() as session:
            rows = await sign_in.list_sessions(session, ctx.actor)
        found = [shown(SignInOut, row) for row in rows]
        for one in found:
            one.current = one.id == ctx.actor.session_id
        return ok(found)

    @delete("/sessions/{session_id:uuid}", opt=SIGNED_IN, status_code=200)
    async def end_session(self, ctx: NamedDependency[Context], session_id: FromPath[UUID]) -> Envelope[dict[str, UUID]]:
        """End one of my sign-ins."""
        async with ctx.transaction() as session:
            await sign_in.end_session(session, ctx.actor, session_id)
        return ok({"id": session_id})

    @post("/password", opt=SIGNED_IN, status_code=200)
    async def change_password(
        self, ctx: NamedDependency[Context], data: JSONBody[PasswordBody]
    ) -> Envelope[dict[str, bool]]:
        """Change my password; tokens given out before end."""
        if ctx.actor.user_id is None:
            raise Unauthenticated("only people have passwords")
        async with ctx.transaction() as session:
            await accounts.change_password(session, ctx.actor.user_id, old=data.old_password, new=data.new_password)
        return ok({"changed": True})


class MembersController(Controller):
    """Members of the organization."""

    path = "/members"
    tags = ("accounts",)

    @get("/", opt=permission("organization:manage_members"))
    async def list_members(self, ctx: NamedDependency[Context]) -> Envelope[list[MemberOut]]:
        """Who belongs to the organization."""
        async with ctx.transaction() as session:
            rows = await accounts.list_members(session, ctx.organization_id)
        return ok(
            [
                MemberOut(
                    id=user.id, email=user.email, full_name=user.full_name, role=membership.role,
                    is_active=membership.is_active and user.is_active,
                )
                for user, membership in rows
            ]
        )  # fmt: skip
