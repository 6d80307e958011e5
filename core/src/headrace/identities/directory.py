"""A directory that tells us of its people by itself: who of them is a member here, and with which role.

Whoever brings the directory's word (an API key of a service account) gives nobody more than the role of that account.
Nothing commits here.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import service as accounts
from headrace.accounts.models import Group, GroupMember
from headrace.accounts.permissions import Actor
from headrace.accounts.rights import rights_of
from headrace.entitlements.service import require_feature
from headrace.identities.arrive import LOCK, may_speak_for, new_user, role_of, vouches
from headrace.identities.models import DirectoryGroup, DirectoryPerson, IdentityProvider
from headrace.infra.clock import now
from headrace.plugins.registry import Registry
from headrace.sdk.errors import ConfigError, Conflict, Denied, NotFound

MANAGE = "organization:manage_members"
LEAST = "viewer"
"""The role of whom neither a group nor the directory's `default_role` gives one."""


class Directory(Struct, frozen=True):
    """A configured directory, and who brings its word."""

    row: IdentityProvider
    actor: Actor


class Said(Struct, frozen=True, kw_only=True):
    """What a directory says of somebody; `active` None leaves that as it is."""

    user_name: str
    email: str
    name: str = ""
    external_id: str | None = None
    attributes: dict[str, Any] = {}
    active: bool | None = None


class Person(Struct, frozen=True):
    """Somebody of a directory, and what they are here."""

    row: DirectoryPerson
    membership: accounts.Membership


async def open_directory(session: AsyncSession, actor: Actor, registry: Registry, provider_id: UUID) -> Directory:
    """The directory of this id.

    Raises:
        NotFound: there is none, it is switched off, or its plugin is missing.
        Denied: the actor does not manage members.
    """
    actor.require(MANAGE)
    row = await session.get(IdentityProvider, (actor.organization_id, provider_id))
    entry = registry.auth_providers.get(row.provider) if row is not None and row.is_enabled else None
    if row is None or entry is None or entry.manifest.kind != "directory":
        raise NotFound("there is no such directory in this organization", resource="identity_provider")
    if entry.manifest.feature:
        await require_feature(session, entry.manifest.feature)
    held = (await rights_of(session, actor.organization_id, actor.role)).permissions
    return Directory(row, Actor(
        organization_id=actor.organization_id, user_id=actor.user_id, role=actor.role, role_name=actor.role_name,
        permissions=held,
    ))  # fmt: skip


def people_of(directory: Directory) -> sa.Select[DirectoryPerson, accounts.Membership]:
    """The directory's people, for further conditions."""
    mine = sa.and_(
        accounts.Membership.organization_id == DirectoryPerson.organization_id,
        accounts.Membership.user_id == DirectoryPerson.id,
    )
    return (
        sa.select(DirectoryPerson, accounts.Membership)
        .join(accounts.Membership, mine)
        .where(
            DirectoryPerson.organization_id == directory.row.organization_id,
            DirectoryPerson.provider_id == directory.row.id,
        )
    )


async def find_person(session: AsyncSession, directory: Directory, user_id: UUID, *, lock: bool = False) -> Person:
    """One of the directory's people.

    Raises:
        NotFound: there is none.
    """
    query = people_of(directory).where(DirectoryPerson.id == user_id)
    found = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no user '{user_id}' of this directory", resource="user")
    return Person(*found)


async def add_person(session: AsyncSession, directory: Directory, said: Said) -> Person:
    """Take somebody in: an account that is there already is linked, and stays whose it is.

    Raises:
        ConfigError: the address is none.
        Denied: the directory may not speak for it, or gives more than who brings its word has.
        Conflict: somebody of a directory has the name or the address.
        LimitReached: the plan's users are used up.
    """
    provider, organization_id = directory.row, directory.row.organization_id
    email = accounts.check_email(said.email)
    if not vouches(provider, email):
        raise Denied(f"this directory does not speak for the address '{email}'; a platform admin enters its domain")
    await session.execute(LOCK, {"name": f"email|{email.lower()}"})
    user = await accounts.user_by_email(session, email)
    made = user is None
    if user is None:
        user = await new_user(session, email, said.name)
    elif user.kind != "person" or not may_speak_for(provider, user):
        raise Denied(f"the account of '{email}' is not one that a directory may speak for")
    await _free_name(session, directory, said.user_name, but=user.id)
    if await session.get(DirectoryPerson, (organization_id, user.id)) is not None:
        raise Conflict(f"a directory has told of '{email}' already", field="userName")
    membership = await session.get(accounts.Membership, (organization_id, user.id), with_for_update=True)
    role = role_of((), provider.group_roles) or provider.default_role or LEAST
    await accounts.require_role(session, directory.actor, role)
    if membership is None:
        membership = await accounts.add_member(session, organization_id, user.id, role)
        membership.provider_id = provider.id
    elif not membership.is_active:  # they come back as the directory says, not as they left
        membership.role, membership.provider_id = role, provider.id
        await session.flush()
        await accounts.activate_member(session, directory.actor, user.id)
    row = DirectoryPerson(
        organization_id=organization_id, id=user.id, provider_id=provider.id, user_name=said.user_name,
        external_id=said.external_id, attributes=said.attributes, made=made,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    await _set_active(session, directory, membership, said.active)
    return Person(row, membership)


async def change_person(session: AsyncSession, directory: Directory, person: Person, said: Said) -> None:
    """Keep what the directory says now; whoever is not active any more is out at once.

    The address of an account never follows: it is how others of the installation know them.

    Raises:
        Conflict: somebody has the name, or it is the last owner who would be shut out.
        Denied: it is somebody with more rights than who brings the directory's word.
    """
    row = person.row
    await _free_name(session, directory, said.user_name, but=row.id)
    row.user_name, row.external_id, row.attributes = said.user_name, said.external_id, said.attributes
    row.updated_at = now()
    if row.made and said.name:
        user = await session.get_one(accounts.User, row.id, with_for_update=True)
        user.full_name = accounts.clean_name(said.name, "person")
    await _set_active(session, directory, person.membership, said.active)
    await session.flush()


async def remove_person(session: AsyncSession, directory: Directory, person: Person) -> None:
    """Shut somebody out for good: groups and grants end too. The account stays, as do other organizations of theirs.

    Raises:
        Conflict: it is the last owner.
        Denied: it is somebody with more rights than who brings the directory's word.
    """
    await accounts.remove_member(session, directory.actor, person.row.id)
    await session.delete(person.row)
    await session.flush()


async def follow_groups(session: AsyncSession, directory: Directory, user_id: UUID) -> None:
    """The role of whom the directory has brought is what their groups give; of members of before it is left alone."""
    provider = directory.row
    membership = await accounts.get_member(session, provider.organization_id, user_id)
    if membership.provider_id != provider.id:
        return
    query = (
        sa.select(Group.name)
        .join(DirectoryGroup, sa.and_(
            DirectoryGroup.organization_id == Group.organization_id, DirectoryGroup.id == Group.id
        ))
        .join(GroupMember, sa.and_(
            GroupMember.organization_id == Group.organization_id, GroupMember.group_id == Group.id
        ))
        .where(
            Group.organization_id == provider.organization_id, DirectoryGroup.provider_id == provider.id,
            GroupMember.user_id == user_id,
        )
    )  # fmt: skip
    names = (await session.scalars(query)).all()
    role = role_of(names, provider.group_roles) or provider.default_role or LEAST
    if role != membership.role:
        try:
            await accounts.set_role(session, directory.actor, user_id, role)
        except Conflict:
            return  # the last owner stays owner


async def _free_name(session: AsyncSession, directory: Directory, name: str, *, but: UUID) -> None:
    if not 1 <= len(name.strip()) <= 320:
        raise ConfigError("a userName has 1 to 320 characters", field="userName")
    query = sa.select(DirectoryPerson.id).where(
        DirectoryPerson.organization_id == directory.row.organization_id,
        DirectoryPerson.provider_id == directory.row.id, sa.func.lower(DirectoryPerson.user_name) == name.lower(),
        DirectoryPerson.id != but,
    )  # fmt: skip
    if await session.scalar(query) is not None:
        raise Conflict(f"the directory has somebody named '{name}' already", field="userName")


async def _set_active(
    session: AsyncSession, directory: Directory, membership: accounts.Membership, active: bool | None
) -> None:
    if active is None or active == membership.is_active:
        return
    change = accounts.activate_member if active else accounts.deactivate_member
    await change(session, directory.actor, membership.user_id)
