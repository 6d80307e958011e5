"""Groups that a directory keeps: they are groups of the organization, and may be granted things like any other.

A directory neither sees nor changes the groups that were made here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access import grants
from headrace.accounts import groups
from headrace.accounts.models import Group, GroupMember
from headrace.identities.directory import Directory, follow_groups, people_of
from headrace.identities.models import DirectoryGroup, DirectoryPerson
from headrace.infra.clock import now
from headrace.sdk.errors import ConfigError, NotFound

EXTERNAL_MAX = 500


class Team(Struct, frozen=True):
    """A group of a directory."""

    row: DirectoryGroup
    group: Group


def groups_of(directory: Directory) -> sa.Select[DirectoryGroup, Group]:
    """The directory's groups, for further conditions."""
    same = sa.and_(Group.organization_id == DirectoryGroup.organization_id, Group.id == DirectoryGroup.id)
    return (
        sa.select(DirectoryGroup, Group)
        .join(Group, same)
        .where(
            DirectoryGroup.organization_id == directory.row.organization_id,
            DirectoryGroup.provider_id == directory.row.id,
        )
    )


def named(name: str) -> sa.ColumnElement[bool]:
    """The condition of a group's name, in any case."""
    return sa.func.lower(Group.name) == name.lower()


async def find_group(session: AsyncSession, directory: Directory, group_id: UUID, *, lock: bool = False) -> Team:
    """One of the directory's groups.

    Raises:
        NotFound: there is none.
    """
    query = groups_of(directory).where(DirectoryGroup.id == group_id)
    found = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no group '{group_id}' of this directory", resource="group")
    return Team(*found)


async def members_of(
    session: AsyncSession, directory: Directory, group_ids: Collection[UUID]
) -> dict[UUID, list[DirectoryPerson]]:
    """Who of the directory is in these groups."""
    query = (
        people_of(directory)
        .join(GroupMember, sa.and_(
            GroupMember.organization_id == DirectoryPerson.organization_id, GroupMember.user_id == DirectoryPerson.id
        ))
        .where(GroupMember.group_id.in_(group_ids))
        .with_only_columns(GroupMember.group_id, DirectoryPerson)
        .order_by(DirectoryPerson.id)
    )  # fmt: skip
    found: dict[UUID, list[DirectoryPerson]] = {group_id: [] for group_id in group_ids}
    for group_id, person in await session.execute(query):
        found[group_id].append(person)
    return found


async def add_group(
    session: AsyncSession, directory: Directory, *, name: str, external_id: str | None, members: Collection[UUID]
) -> Team:
    """Make a group with these of the directory's people.

    Raises:
        Conflict: there is a group of this name.
        ConfigError: somebody is not of the directory.
    """
    group = await groups.create(
        session, directory.actor, name=name, description=f"kept by the directory '{directory.row.name}'"
    )
    row = DirectoryGroup(
        organization_id=group.organization_id, id=group.id, provider_id=directory.row.id,
        external_id=_checked(external_id),
    )  # fmt: skip
    session.add(row)
    await session.flush()
    await _put_members(session, directory, group.id, members)
    return Team(row, group)


async def change_group(
    session: AsyncSession, directory: Directory, team: Team, *, name: str, external_id: str | None,
    members: Collection[UUID],
) -> None:  # fmt: skip
    """Keep what the directory says now of the group.

    Raises:
        Conflict: there is another group of this name.
        ConfigError: somebody is not of the directory.
        Denied: the group is granted more than who brings the directory's word has.
    """
    renamed = name != team.group.name
    if renamed:
        await groups.update(session, directory.actor, team.group.id, {"name": name}, row_version=team.group.row_version)
    team.row.external_id, team.row.updated_at = _checked(external_id), now()
    await session.flush()
    moved = await _put_members(session, directory, team.group.id, members)
    for user_id in set(members) - moved if renamed else ():
        await follow_groups(session, directory, user_id)


async def remove_group(session: AsyncSession, directory: Directory, team: Team) -> None:
    """Remove a group with its grants; its people stay, with the role that their other groups give.

    Raises:
        Denied: it is granted more than who brings the directory's word has.
    """
    left = (await members_of(session, directory, [team.group.id]))[team.group.id]
    await session.delete(team.row)
    await session.flush()
    await grants.delete_group(session, directory.actor, team.group.id)
    for person in left:
        await follow_groups(session, directory, person.id)


async def _put_members(
    session: AsyncSession, directory: Directory, group_id: UUID, members: Collection[UUID]
) -> set[UUID]:
    """Returns who has come or gone."""
    wanted = set(members)
    query = people_of(directory).where(DirectoryPerson.id.in_(wanted)).with_only_columns(DirectoryPerson.id)
    known: Sequence[UUID] = (await session.scalars(query)).all()
    if strange := wanted - set(known):
        raise ConfigError(f"there is no user '{min(strange)}' of this directory; create them first", field="members")
    present = {one.id for one in (await members_of(session, directory, [group_id]))[group_id]}
    for user_id in sorted(wanted - present):
        await grants.add_to_group(session, directory.actor, group_id, user_id)
    for user_id in sorted(present - wanted):
        await grants.remove_from_group(session, directory.actor, group_id, user_id)
    moved = wanted ^ present
    for user_id in sorted(moved):
        await follow_groups(session, directory, user_id)
    return moved


def _checked(external_id: str | None) -> str | None:
    if external_id is not None and len(external_id) > EXTERNAL_MAX:
        raise ConfigError(f"an externalId has at most {EXTERNAL_MAX} characters", field="externalId")
    return external_id
