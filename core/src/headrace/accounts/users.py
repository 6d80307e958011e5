"""Accounts of the installation, in whatever organizations: for platform admins, who see no organization's work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import letters, service
from headrace.accounts.models import User
from headrace.accounts.permissions import Actor
from headrace.infra.sorting import ordered
from headrace.sdk.errors import Conflict, NotFound

SORTS: dict[str, Any] = {
    "email": sa.func.lower(User.email), "full_name": sa.func.lower(User.full_name), "created_at": User.created_at,
    "last_login_at": User.last_login_at,
}  # fmt: skip
_ADMINS = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('headrace platform admins', 0))")


async def find(
    session: AsyncSession, actor: Actor, *, q: str = "", sort: str = "email", limit: int, offset: int
) -> tuple[Sequence[User], int]:
    """People, not robots; `q` is part of a name or an address.

    Raises:
        ConfigError: they are not sorted by this.
    """
    actor.require("system:manage")
    kept = User.kind == "person"
    if q:
        named = [column.icontains(q, autoescape=True) for column in (User.email, User.full_name)]
        kept = sa.and_(kept, sa.or_(*named))
    total = await session.scalar(sa.select(sa.func.count()).select_from(User).where(kept))
    page = sa.select(User).where(kept).order_by(ordered(sort, SORTS, "users"), User.id).limit(limit).offset(offset)
    return (await session.scalars(page)).all(), int(total or 0)


async def get(session: AsyncSession, actor: Actor, user_id: UUID, *, lock: bool = False) -> User:
    """One of them.

    Raises:
        NotFound: there is none.
    """
    actor.require("system:manage")
    found = await session.get(User, user_id, with_for_update=lock, populate_existing=lock)
    if found is None or found.kind != "person":
        raise NotFound("there is no such user", resource="user")
    return found


async def create(session: AsyncSession, actor: Actor, *, email: str, full_name: str = "") -> User:
    """Make an account; a letter goes to the address, with a link to choose a password.

    Raises:
        Conflict: the address has an account.
        ConfigError: it is no address, or the name does not do.
    """
    actor.require("system:manage")
    name = service.clean_name(full_name, "person") if full_name else ""
    made = await service.create_user(session, email=email, password=None, full_name=name)
    await letters.write(session, "reset_password", made.email)
    return made


async def change(
    session: AsyncSession, actor: Actor, user_id: UUID, changes: dict[str, Any], *, row_version: int
) -> User:
    """Change name, whether they may sign in, or whether they are platform admin; what ends, ends at once.

    Raises:
        Conflict: nobody would be left to manage the installation.
        PreconditionFailed: `row_version` is not the present one.
    """
    actor.require("system:manage")
    await session.execute(_ADMINS)
    user = await get(session, actor, user_id, lock=True)
    service.check_version(user.row_version, row_version)
    before = (user.is_active, user.is_platform_admin)
    for name, value in changes.items():
        setattr(user, name, service.clean_name(value, "person") if name == "full_name" else value)
    if before != (user.is_active, user.is_platform_admin):
        user.session_version += 1
        await session.flush()
        left = sa.select(sa.func.count()).select_from(User).where(User.is_platform_admin, User.is_active)
        if before == (True, True) and not await session.scalar(left):
            raise Conflict("this is the last platform admin; make somebody else one first")
    await session.flush()
    return user
