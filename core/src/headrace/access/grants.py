"""Grants, and who is in the groups that they are for. Nobody gives, or takes away, more than they have themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access import statements as sql
from headrace.access.levels import LEVELS
from headrace.access.models import Grant
from headrace.access.resolve import Kind, given_by, may, reach, rights_on
from headrace.accounts import groups, service
from headrace.accounts.models import Group, GroupMember
from headrace.accounts.permissions import Actor, role_named
from headrace.accounts.rights import require_all, rights_of
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict, Denied, NotFound

MANAGE = "grant:manage"
_OF_GROUP = sa.text("""
SELECT DISTINCT g.level, g.role, r.permissions FROM grants g
LEFT JOIN roles r ON r.organization_id = g.organization_id AND r.id = g.role_id
WHERE g.organization_id = :organization_id AND g.group_id = :group_id
""")
_PAST = sa.text("SELECT CAST(:at AS timestamptz) <= statement_timestamp()")


async def give(
    session: AsyncSession, actor: Actor, *, object_type: Kind, object_id: UUID, user_id: UUID | None = None,
    group_id: UUID | None = None, level: str | None = None, role: str | None = None, expires_at: datetime | None = None,
) -> Grant:  # fmt: skip
    """Give a user or a group a level or a role on an object, and on what is in it.

    Raises:
        NotFound: no such object, member or group.
        Denied: the actor may not, or gives more than they have there.
        ConfigError: not just one of user and group, or of level and role; or it has expired already.
        Conflict: they have the same already.
    """
    await reach(session, actor, MANAGE, object_type, object_id)
    if await session.scalar(sql.LIVE[object_type], _which(actor, object_id)) is None:
        raise NotFound(f"there is no such {object_type.replace('_', ' ')}", resource=object_type)
    if (user_id is None) == (group_id is None):
        raise ConfigError(
            "a grant is for a user or for a group; give just one of user_id and group_id", field="user_id"
        )
    if (level is None) == (role is None):
        raise ConfigError("a grant gives a level or a role; give just one of them", field="level")
    role = role and role_named(role)
    if role == "owner":
        raise ConfigError("an owner owns the whole organization; give the role admin on an object", field="role")
    if level is not None and level not in LEVELS:
        raise ConfigError(f"there is no level '{level}'; choose one of {', '.join(LEVELS)}", field="level")
    if expires_at is not None and (expires_at.tzinfo is None or await session.scalar(_PAST, {"at": expires_at})):
        raise ConfigError("a grant expires in the future; give the time with its zone", field="expires_at")
    if user_id is not None:
        await service.get_member(session, actor.organization_id, user_id)
    else:
        await groups.get(session, actor, group_id)  # type: ignore[arg-type]
    await _require_rights(session, actor, object_type, object_id, level, role)
    row = Grant(
        organization_id=actor.organization_id, id=new_id(), object_type=object_type, object_id=object_id,
        user_id=user_id, group_id=group_id, level=level, role=role, expires_at=expires_at, created_by=actor.user_id,
    )  # fmt: skip
    await _refuse_same(session, row)
    session.add(row)
    await session.flush()
    return row


async def list_(
    session: AsyncSession, actor: Actor, *, object_type: Kind | None = None, object_id: UUID | None = None,
    user_id: UUID | None = None, group_id: UUID | None = None, limit: int = 20, offset: int = 0,
) -> tuple[Sequence[Grant], int]:  # fmt: skip
    """A page of grants, newest first, and how many there are: all of the organization, or those on one object.

    Raises:
        Denied: the actor may not manage them there.
    """
    if object_type is not None and object_id is not None:
        await reach(session, actor, MANAGE, object_type, object_id)
    else:
        actor.require(MANAGE)
    query = sa.select(Grant).where(Grant.organization_id == actor.organization_id)
    for column, value in (
        (Grant.object_type, object_type), (Grant.object_id, object_id), (Grant.user_id, user_id),
        (Grant.group_id, group_id),
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    rows = await session.scalars(query.order_by(Grant.created_at.desc(), Grant.id).limit(limit).offset(offset))
    return rows.all(), total or 0


async def take(session: AsyncSession, actor: Actor, grant_id: UUID) -> None:
    """End a grant at once.

    Raises:
        NotFound: there is none, or the actor may not know of it.
        Denied: it gives more than the actor has there.
    """
    row = await session.get(Grant, (actor.organization_id, grant_id), with_for_update=True)
    if row is None or not await may(session, actor, MANAGE, row.object_type, row.object_id):
        raise NotFound("there is no such grant", resource="grant")
    await _require_rights(session, actor, row.object_type, row.object_id, row.level, row.role)
    await session.delete(row)
    await session.flush()


async def add_to_group(session: AsyncSession, actor: Actor, group_id: UUID, user_id: UUID) -> None:
    """Put a member into a group, which gives them what the group is granted.

    Raises:
        NotFound: no such group or member.
        Denied: the group is granted more than the actor has.
        Conflict: is in it already.
    """
    await _may_change(session, actor, group_id)
    await service.get_member(session, actor.organization_id, user_id)
    if await session.get(GroupMember, (actor.organization_id, group_id, user_id)):
        raise Conflict("this member is in the group already", field="user_id")
    session.add(GroupMember(
        organization_id=actor.organization_id, group_id=group_id, user_id=user_id, added_by=actor.user_id
    ))  # fmt: skip
    await session.flush()


async def remove_from_group(session: AsyncSession, actor: Actor, group_id: UUID, user_id: UUID) -> None:
    """Take a member out of a group.

    Raises:
        NotFound: is not in it.
        Denied: the group is granted more than the actor has.
    """
    await _may_change(session, actor, group_id)
    row = await session.get(GroupMember, (actor.organization_id, group_id, user_id))
    if row is None:
        raise NotFound("there is no such member in this group", resource="member")
    await session.delete(row)
    await session.flush()


async def delete_group(session: AsyncSession, actor: Actor, group_id: UUID) -> None:
    """Remove a group with its grants.

    Raises:
        Denied: it is granted more than the actor has.
    """
    await session.delete(await _may_change(session, actor, group_id))
    await session.flush()


async def refuse_gain(session: AsyncSession, actor: Actor, kind: str, object_id: UUID, place: str, into: UUID) -> None:
    """Go on only when moving an object into a place gives the mover nothing that they do not have on it now.

    Raises:
        Denied: it would.
    """
    there = await rights_on(session, actor, place, into)
    more = there - await rights_on(session, actor, kind, object_id) if there > actor.permissions else frozenset()
    if more:
        raise Denied(
            f"in that {place.replace('_', ' ')} you would have more rights over the {kind}, e.g. '{min(more)}'; ask"
            " somebody who has them to move it",
            permission=min(more),
        )


async def _may_change(session: AsyncSession, actor: Actor, group_id: UUID) -> Group:
    actor.require("organization:manage_members")
    group = await groups.get(session, actor, group_id, lock=True)
    which = {"organization_id": actor.organization_id, "group_id": group_id}
    for row in await session.execute(_OF_GROUP, which):
        require_all(actor, given_by(row.level, row.role, row.permissions), f"the group '{group.name}'")
    return group


async def _require_rights(
    session: AsyncSession, actor: Actor, kind: str, object_id: UUID, level: str | None, role: str | None
) -> None:
    name = f"the level '{level}'"
    permissions = None
    if role is not None:
        rights = await rights_of(session, actor.organization_id, role)
        name, permissions = f"the role '{rights.name}'", list(rights.permissions)
    more = given_by(level, role, permissions) - await rights_on(session, actor, kind, object_id)
    if more:
        raise Denied(f"{name} has more rights than you have there, e.g. '{min(more)}'", permission=min(more))


async def _refuse_same(session: AsyncSession, row: Grant) -> None:
    same = (
        Grant.organization_id == row.organization_id, Grant.object_id == row.object_id,
        Grant.user_id.is_not_distinct_from(row.user_id), Grant.group_id.is_not_distinct_from(row.group_id),
        Grant.level.is_not_distinct_from(row.level), Grant.role.is_not_distinct_from(row.role),
    )  # fmt: skip
    there = await session.scalar(sa.select(Grant.id).where(*same))
    if there is not None:
        raise Conflict("there is such a grant already; remove it first to change when it expires", id=str(there))


async def _forget(session: AsyncSession, organization_id: UUID, user_id: UUID) -> None:
    """Who goes leaves no grants behind."""
    mine = (Grant.organization_id == organization_id, Grant.user_id == user_id)
    await session.execute(sa.delete(Grant).where(*mine))


def _which(actor: Actor, object_id: UUID) -> dict[str, UUID]:
    return {"organization_id": actor.organization_id, "object_id": object_id}


service.on_removal.append(_forget)
