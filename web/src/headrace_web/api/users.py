"""Accounts of the installation, for platform admins; an organization's people are its `members`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from headrace.accounts import users
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, given, ok, page_of, shown
from headrace_web.guards import OF_ACCOUNTS, permission

Name = Annotated[str, Meta(max_length=255)]


class UserBody(ApiStruct):
    """A new account; a letter goes to the address."""

    email: Annotated[str, Meta(max_length=255)]
    full_name: Name = ""


class UserPatch(ApiStruct):
    """What to change."""

    full_name: Name | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_platform_admin: bool | UnsetType = UNSET
    row_version: int | None = None


class UserPut(ApiStruct):
    """The account as a whole."""

    full_name: Name
    is_active: bool
    is_platform_admin: bool
    row_version: int | None = None


class UserOut(Struct, kw_only=True):
    """An account."""

    id: UUID
    email: str
    full_name: str
    is_active: bool
    is_email_verified: bool
    is_platform_admin: bool
    last_login_at: datetime | None
    created_at: datetime
    row_version: int


class UsersController(Controller):
    """Accounts of the installation."""

    path = "/users"
    opt = {**permission("system:manage"), **OF_ACCOUNTS}
    tags = ("users",)

    @get("/")
    async def list_users(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], q: FromQuery[str] = "",
        sort: FromQuery[str] = "email",
    ) -> Envelope[list[UserOut]]:  # fmt: skip
        """Everybody with an account."""
        async with ctx.transaction() as session:
            rows, total = await users.find(session, ctx.actor, q=q, sort=sort, limit=paging.limit, offset=paging.offset)
        return page_of([shown(UserOut, row) for row in rows], total, paging)

    @post("/")
    async def create_user(self, ctx: NamedDependency[Context], data: JSONBody[UserBody]) -> Envelope[UserOut]:
        """Make an account of no organization yet; invite it to one."""
        async with ctx.transaction() as session:
            made = await users.create(session, ctx.actor, email=data.email, full_name=data.full_name)
            return ok(shown(UserOut, made))

    @get("/{person_id:uuid}")
    async def get_user(self, ctx: NamedDependency[Context], person_id: FromPath[UUID]) -> Envelope[UserOut]:
        """One account."""
        async with ctx.transaction() as session:
            return ok(shown(UserOut, await users.get(session, ctx.actor, person_id)))

    @patch("/{person_id:uuid}")
    async def update_user(
        self, ctx: NamedDependency[Context], person_id: FromPath[UUID], data: JSONBody[UserPatch],
        if_match: IfMatch = None,
    ) -> Envelope[UserOut]:  # fmt: skip
        """Change a name, shut somebody out or let them in again, make a platform admin or take that away."""
        return ok(await _changed(ctx, person_id, data, if_match))

    @put("/{person_id:uuid}")
    async def replace_user(
        self, ctx: NamedDependency[Context], person_id: FromPath[UUID], data: JSONBody[UserPut],
        if_match: IfMatch = None,
    ) -> Envelope[UserOut]:  # fmt: skip
        """Put the account as a whole."""
        return ok(await _changed(ctx, person_id, data, if_match))

    @delete("/{person_id:uuid}", status_code=200)
    async def shut_out(self, ctx: NamedDependency[Context], person_id: FromPath[UUID]) -> Envelope[UserOut]:
        """Shut somebody out of every organization; what they made stays, with their name."""
        async with ctx.transaction() as session:
            present = await users.get(session, ctx.actor, person_id)
            gone = {"is_active": False}
            made = await users.change(session, ctx.actor, person_id, gone, row_version=present.row_version)
            return ok(shown(UserOut, made))


async def _changed(ctx: Context, person_id: UUID, data: UserPatch | UserPut, if_match: str | None) -> UserOut:
    async with ctx.transaction() as session:
        await users.get(session, ctx.actor, person_id)
        version = base_version(if_match, data.row_version, "user")
        made = await users.change(session, ctx.actor, person_id, given(data, "row_version"), row_version=version)
        return shown(UserOut, made)
