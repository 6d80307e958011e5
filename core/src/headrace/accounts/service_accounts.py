"""Service accounts: members that are programs. They have a role and API keys, but neither password nor sign-in."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.models import Membership, User
from headrace.accounts.permissions import Actor, role_named
from headrace.accounts.service import (
    add_member,
    check_version,
    clean_name,
    member_and_user,
    remove_member,
    require_role,
)
from headrace.infra.ids import new_id
from headrace.sdk.errors import NotFound

DOMAIN = "service-accounts.invalid"


async def create(session: AsyncSession, actor: Actor, *, name: str, role: str) -> tuple[User, Membership]:
    """Make one with a role of at most the actor's rights.

    Raises:
        Denied: the role has more.
    """
    actor.require("apikey:manage")
    role = role_named(role)
    await require_role(session, actor, role)
    user_id = new_id()
    user = User(
        id=user_id, kind="service", email=f"{user_id.hex}@{DOMAIN}", full_name=clean_name(name, "service account")
    )
    session.add(user)
    await session.flush()
    return user, await add_member(session, actor.organization_id, user_id, role)


async def list_accounts(session: AsyncSession, actor: Actor) -> list[tuple[User, Membership]]:
    """Active ones by name."""
    actor.require("apikey:manage")
    query = (
        sa.select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == actor.organization_id, Membership.is_active, User.kind == "service")
        .order_by(sa.func.lower(User.full_name), User.id)
    )
    return [(user, membership) for user, membership in await session.execute(query)]


async def get(session: AsyncSession, actor: Actor, user_id: UUID) -> tuple[User, Membership]:
    """One of them.

    Raises:
        NotFound: there is none.
    """
    actor.require("apikey:manage")
    found = await member_and_user(session, actor.organization_id, user_id)
    if found is None or found[0].kind != "service":
        raise NotFound("there is no such service account", resource="service_account")
    return found


async def update(
    session: AsyncSession, actor: Actor, user_id: UUID, *, row_version: int, name: str | None = None,
    role: str | None = None,
) -> tuple[User, Membership]:  # fmt: skip
    """Change name or role; its keys have the new rights at once.

    Raises:
        PreconditionFailed: `row_version` is not the present one.
        Denied: the present or the new role has more rights than the actor.
    """
    user, membership = await get(session, actor, user_id)
    check_version(membership.row_version, row_version)
    if name is not None:
        user.full_name = clean_name(name, "service account")
    if role is not None:
        role = role_named(role)
        await require_role(session, actor, membership.role)
        await require_role(session, actor, role)
        membership.role = role
    membership.session_version += 1
    await session.flush()
    return user, membership


async def delete(session: AsyncSession, actor: Actor, user_id: UUID) -> None:
    """End it with all its keys."""
    await get(session, actor, user_id)
    await remove_member(session, actor, user_id)
