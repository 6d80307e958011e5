"""Groups of members. What a group is granted, all of it have; `access` guards that nobody gains by joining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.models import Group, GroupMember, Membership, User
from headrace.accounts.permissions import Actor
from headrace.accounts.service import check_version, clean_name
from headrace.infra.ids import new_id
from headrace.infra.sorting import ordered
from headrace.sdk.errors import Conflict, NotFound

SORTS: dict[str, Any] = {
    "name": sa.func.lower(Group.name), "created_at": Group.created_at, "updated_at": Group.updated_at,
}  # fmt: skip


async def create(session: AsyncSession, actor: Actor, *, name: str, description: str = "") -> Group:
    """Make a group.

    Raises:
        Conflict: the name is taken.
    """
    actor.require("organization:manage_members")
    name = clean_name(name, "group")
    await _free_name(session, actor, name)
    row = Group(
        organization_id=actor.organization_id, id=new_id(), name=name, description=description, created_by=actor.user_id
    )
    session.add(row)
    await session.flush()
    return row


async def get(session: AsyncSession, actor: Actor, group_id: UUID, *, lock: bool = False) -> Group:
    """A group.

    Raises:
        NotFound: there is none.
    """
    row = await session.get(Group, (actor.organization_id, group_id), with_for_update=lock, populate_existing=lock)
    if row is None:
        raise NotFound("there is no such group", resource="group")
    return row


async def list_(
    session: AsyncSession, actor: Actor, *, q: str = "", sort: str = "name", limit: int = 20, offset: int = 0
) -> tuple[Sequence[Group], int]:
    """A page of groups, and how many there are.

    Raises:
        ConfigError: they are not sorted by this.
    """
    query = sa.select(Group).where(Group.organization_id == actor.organization_id)
    if q:
        query = query.where(Group.name.icontains(q, autoescape=True))
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    rows = await session.scalars(query.order_by(ordered(sort, SORTS, "groups"), Group.id).limit(limit).offset(offset))
    return rows.all(), total or 0


async def update(
    session: AsyncSession, actor: Actor, group_id: UUID, changes: dict[str, Any], *, row_version: int
) -> Group:
    """Rename or describe.

    Raises:
        PreconditionFailed: `row_version` is not the present one.
        Conflict: the name is taken.
    """
    actor.require("organization:manage_members")
    row = await get(session, actor, group_id)
    check_version(row.row_version, row_version)
    if "name" in changes:
        name = clean_name(changes["name"], "group")
        await _free_name(session, actor, name, but=group_id)
        row.name = name
    row.description = changes.get("description", row.description)
    await session.flush()
    return row


async def members(session: AsyncSession, actor: Actor, group_id: UUID) -> list[tuple[User, Membership]]:
    """Members of a group by name."""
    await get(session, actor, group_id)
    query = (
        sa.select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .join(GroupMember, sa.and_(
            GroupMember.organization_id == Membership.organization_id, GroupMember.user_id == Membership.user_id
        ))
        .where(GroupMember.organization_id == actor.organization_id, GroupMember.group_id == group_id)
        .order_by(sa.func.lower(User.full_name), User.id)
    )  # fmt: skip
    return [(user, membership) for user, membership in await session.execute(query)]


async def _free_name(session: AsyncSession, actor: Actor, name: str, *, but: UUID | None = None) -> None:
    same = (Group.organization_id == actor.organization_id, sa.func.lower(Group.name) == name.lower())
    if await session.scalar(sa.select(Group.id).where(*same)) not in {None, but}:
        raise Conflict(f"there is a group '{name}' already; choose another name", field="name")
