"""Members of an organization: found among many, and known by a username."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.models import Membership, User
from headrace.accounts.service import get_member
from headrace.infra.sorting import ordered
from headrace.sdk.errors import Conflict

SORTS: dict[str, Any] = {
    "full_name": sa.func.lower(User.full_name), "email": sa.func.lower(User.email),
    "username": sa.func.lower(Membership.username), "role": Membership.role, "created_at": Membership.created_at,
    "last_login_at": User.last_login_at,
}  # fmt: skip


async def find(
    session: AsyncSession, organization_id: UUID, *, q: str = "", sort: str = "full_name", limit: int, offset: int
) -> tuple[list[tuple[User, Membership]], int]:
    """A page of members, and how many there are; `q` is part of a name, a username or an address.

    Raises:
        ConfigError: they are not sorted by this.
    """
    query = (
        sa.select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == organization_id)
    )
    if q:
        named = (User.full_name, User.email, Membership.username)
        query = query.where(sa.or_(*(column.icontains(q, autoescape=True) for column in named)))
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.with_only_columns(User.id).subquery()))
    page = query.order_by(ordered(sort, SORTS, "members"), User.id).limit(limit).offset(offset)
    return [(user, membership) for user, membership in await session.execute(page)], total or 0


async def set_username(session: AsyncSession, organization_id: UUID, user_id: UUID, username: str | None) -> None:
    """Give a member the name that nobody else has in this organization, in any case; None takes it away.

    Raises:
        Conflict: somebody has it.
    """
    mine = await get_member(session, organization_id, user_id)
    if username is not None:
        same = sa.select(Membership.user_id).where(
            Membership.organization_id == organization_id, sa.func.lower(Membership.username) == username.lower(),
            Membership.user_id != user_id,
        )  # fmt: skip
        if await session.scalar(same) is not None:
            raise Conflict(f"somebody here has the username '{username}' already; choose another", field="username")
    mine.username = username
    await session.flush()
