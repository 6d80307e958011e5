"""Organizations, users and their roles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import seats
from headrace.accounts.models import GroupMember, Membership, Organization, SignIn, User
from headrace.accounts.passwords import check_strength, hash_password, verify_password
from headrace.accounts.permissions import PERMISSIONS, ROLES, Actor, role_named, system_actor
from headrace.accounts.rights import require_role, rights_of
from headrace.infra.clock import now
from headrace.infra.database import set_tenant
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict, NotFound, PreconditionFailed

__all__ = [
    "PERMISSIONS", "ROLES", "Actor", "Membership", "Organization", "User", "activate_member", "add_member",
    "change_password", "check_email", "check_password", "check_version", "clean_name", "create_organization",
    "create_user", "deactivate_member", "get_member", "get_organization", "member_and_user",
    "organizations_of", "remove_member", "require_role", "set_role", "system_actor", "update_user",
    "user_by_email", "user_by_id",
]  # fmt: skip

Farewell: TypeAlias = Callable[[AsyncSession, UUID, UUID], Awaitable[None]]

on_removal: list[Farewell] = []
"""Called with (session, organization id, user id) when a member goes for good; grants join in here."""

OWN_FIELDS = frozenset({"full_name", "first_name", "last_name", "photo_url", "user_utc_offset", "settings"})
NAME_MAX = 255
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


async def create_organization(session: AsyncSession, *, name: str) -> Organization:
    """Make an organization; from here on the transaction is of it."""
    name = clean_name(name, "organization")
    organization = Organization(id=new_id(), name=name)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "organization"
    organization.slug = f"{base}-{organization.id.hex[-6:]}"
    await set_tenant(session, organization.id)
    session.add(organization)
    await session.flush()
    return organization


async def get_organization(session: AsyncSession, organization_id: UUID) -> Organization:
    """The organization of this transaction.

    Raises:
        NotFound: it is another one's, or there is none.
    """
    found = await session.get(Organization, organization_id)
    if found is None:
        raise NotFound("there is no such organization")
    return found


async def create_user(
    session: AsyncSession, *, email: str, password: str | None, full_name: str = "", is_platform_admin: bool = False
) -> User:
    """Make a user.

    Raises:
        ConfigError: the address or the password does not do.
        Conflict: the address is taken.
    """
    email = check_email(email)
    if password is not None:
        check_strength(password, email=email)
    if await user_by_email(session, email):
        raise Conflict("there is an account with this e-mail address; sign in instead", field="email")
    first, _, last = full_name.strip().partition(" ")
    user = User(
        email=email, full_name=full_name.strip(), first_name=first, last_name=last.strip(),
        password_hash=await hash_password(password) if password is not None else None,
        is_platform_admin=is_platform_admin,
    )  # fmt: skip
    session.add(user)
    await session.flush()
    return user


async def user_by_id(session: AsyncSession, user_id: UUID) -> User:
    """A user who is a member of this transaction's organization.

    Raises:
        NotFound: otherwise.
    """
    query = sa.select(User).join(Membership, Membership.user_id == User.id).where(User.id == user_id)
    found = await session.scalar(query.limit(1))
    if found is None:
        raise NotFound("there is no such user in this organization", resource="user")
    return found


async def user_by_email(session: AsyncSession, email: str) -> User | None:
    """The user with this address in any case, of whatever organization."""
    found: User | None = await session.scalar(sa.select(User).where(sa.func.lower(User.email) == email.strip().lower()))
    return found


async def member_and_user(
    session: AsyncSession, organization_id: UUID, user_id: UUID
) -> tuple[User, Membership] | None:
    """Who may act here, else None."""
    found = (await session.execute(members(organization_id).where(User.id == user_id))).one_or_none()
    return (found[0], found[1]) if found else None


def members(organization_id: UUID) -> sa.Select[User, Membership]:
    """Who may act here: active members, active as users, of an active organization."""
    return (
        sa.select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(
            Membership.organization_id == organization_id, User.is_active, Membership.is_active,
            Organization.status == "active",
        )
    )  # fmt: skip


async def organizations_of(session: AsyncSession, user_id: UUID) -> list[UUID]:
    """Where the user is a member; the transaction is of this user."""
    query = sa.select(Membership.organization_id).where(Membership.user_id == user_id, Membership.is_active)
    return list((await session.scalars(query)).all())


async def update_user(session: AsyncSession, user_id: UUID, changes: dict[str, Any], *, row_version: int) -> User:
    """Change what people may change of themselves.

    Raises:
        PreconditionFailed: `row_version` is not the present one.
        ConfigError: a name that is too long, or has control characters.
    """
    user = await session.get_one(User, user_id, with_for_update=True, populate_existing=True)
    check_version(user.row_version, row_version)
    for name, value in changes.items():
        if name not in OWN_FIELDS:
            raise ConfigError(f"'{name}' of a user cannot be changed", field=name)
        setattr(user, name, clean_name(value, "person") if name == "full_name" else value)
    await session.flush()
    return user


async def add_member(session: AsyncSession, organization_id: UUID, user_id: UUID, role: str) -> Membership:
    """Give a user a role in an organization.

    Raises:
        ConfigError: no such role.
        Conflict: is a member already.
        LimitReached: the plan's users are used up; exact when several join at once.
    """
    await rights_of(session, organization_id, role)
    if await session.get(Membership, (organization_id, user_id)):
        raise Conflict("this user is a member already; change the role instead")
    await _take_seat(session, organization_id, user_id)
    membership = Membership(organization_id=organization_id, user_id=user_id, role=role)
    session.add(membership)
    await session.flush()
    return membership


async def set_role(session: AsyncSession, actor: Actor, user_id: UUID, role: str) -> Membership:
    """Change a role; access tokens of the old one end at once.

    Raises:
        Denied: the actor may not, or gives more than they have.
        Conflict: it is the last owner.
    """
    actor.require("organization:manage_members")
    membership = await get_member(session, actor.organization_id, user_id)
    role = role_named(role)
    await require_role(session, actor, role)
    await require_role(session, actor, membership.role)
    if membership.role == "owner" and role != "owner":
        await _not_last_owner(session, actor.organization_id, user_id)
    membership.role = role
    membership.session_version += 1
    await session.flush()
    return membership


async def deactivate_member(session: AsyncSession, actor: Actor, user_id: UUID) -> None:
    """Shut a member out; every sign-in here ends.

    Raises:
        Conflict: it is the last owner.
    """
    actor.require("organization:manage_members")
    membership = await get_member(session, actor.organization_id, user_id)
    await require_role(session, actor, membership.role)
    await _shut_out(session, membership, "deactivated")


async def remove_member(session: AsyncSession, actor: Actor, user_id: UUID) -> None:
    """Shut a member out for good: groups and grants end too, so that who comes back comes with nothing.

    Raises:
        Conflict: it is the last owner.
    """
    await deactivate_member(session, actor, user_id)
    await _forget(session, actor.organization_id, user_id)


async def leave(session: AsyncSession, actor: Actor) -> None:
    """Go oneself, for good.

    Raises:
        NotFound: the actor is nobody's member.
        Conflict: they are the last owner.
    """
    if actor.user_id is None:
        raise NotFound("there is no such member in this organization")
    membership = await get_member(session, actor.organization_id, actor.user_id)
    await _shut_out(session, membership, "left")
    await _forget(session, actor.organization_id, actor.user_id)


async def _shut_out(session: AsyncSession, membership: Membership, reason: str) -> None:
    if membership.role == "owner":
        await _not_last_owner(session, membership.organization_id, membership.user_id)
    membership.is_active = False
    membership.session_version += 1
    await end_sign_ins(session, membership.organization_id, membership.user_id, reason)


async def _forget(session: AsyncSession, organization_id: UUID, user_id: UUID) -> None:
    mine = (GroupMember.organization_id == organization_id, GroupMember.user_id == user_id)
    await session.execute(sa.delete(GroupMember).where(*mine))
    gone = sa.update(Membership).where(Membership.organization_id == organization_id, Membership.user_id == user_id)
    await session.execute(gone.values(removed_at=now()))
    for farewell in on_removal:
        await farewell(session, organization_id, user_id)


async def activate_member(session: AsyncSession, actor: Actor, user_id: UUID) -> None:
    """Let a member in again, with the role of before.

    Raises:
        LimitReached: the plan's users are used up.
    """
    actor.require("organization:manage_members")
    membership = await get_member(session, actor.organization_id, user_id)
    await require_role(session, actor, membership.role)
    if not membership.is_active:
        await _take_seat(session, actor.organization_id, user_id)
    membership.is_active = True
    await session.flush()


async def _take_seat(session: AsyncSession, organization_id: UUID, user_id: UUID) -> None:
    """Programs take none."""
    if (await session.get_one(User, user_id)).kind == "person":
        await seats.take(session, organization_id)


async def change_password(
    session: AsyncSession, user_id: UUID, *, old: str, new: str, keep: UUID | None = None
) -> None:
    """Change a password; every sign-in ends but `keep`, whose access tokens have to be refreshed.

    Raises:
        ConfigError: the old one is wrong, or the new one does not do.
    """
    user = await session.get_one(User, user_id, with_for_update=True)
    await check_password(user, old, field="old_password")
    check_strength(new, email=user.email)
    user.password_hash = await hash_password(new)
    user.session_version += 1
    await session.flush()
    if keep is not None:
        alive = (
            SignIn.organization_id == session.info["organization_id"], SignIn.id == keep, SignIn.user_id == user_id,
            SignIn.user_version == user.session_version - 1,
        )  # fmt: skip
        await session.execute(sa.update(SignIn).where(*alive).values(user_version=user.session_version))


async def check_password(user: User, password: str, *, field: str = "password") -> None:
    """Go on only with the present password: an open browser is not enough to change an account.

    Raises:
        ConfigError: it is wrong.
    """
    if not await verify_password(password, user.password_hash):
        raise ConfigError("the present password is wrong", field=field)


async def end_sign_ins(session: AsyncSession, organization_id: UUID, user_id: UUID, reason: str) -> None:
    """End every sign-in of a user in an organization."""
    await session.execute(
        sa.update(SignIn)
        .where(SignIn.organization_id == organization_id, SignIn.user_id == user_id, SignIn.revoked_at.is_(None))
        .values(revoked_at=now(), revoked_reason=reason, row_version=SignIn.row_version + 1)
    )


def clean_name(name: str, what: str) -> str:
    """A name without blanks around it, 1 to 255 characters, no control characters.

    Raises:
        ConfigError: otherwise.
    """
    name = name.strip()
    if not 1 <= len(name) <= NAME_MAX or any(unicodedata.category(character) == "Cc" for character in name):
        raise ConfigError(f"the name of a {what} has 1 to {NAME_MAX} printable characters", field="name")
    return name


def check_email(email: str) -> str:
    """The address without blanks around it.

    Raises:
        ConfigError: it is none.
    """
    email = email.strip()
    if not _EMAIL.fullmatch(email):
        raise ConfigError("this is not an e-mail address", field="email")
    return email


def check_version(present: int, given: int) -> None:
    """Go on only when the caller's base version is the present one.

    Raises:
        PreconditionFailed: with the present version.
    """
    if present != given:
        raise PreconditionFailed(
            f"the object was changed meanwhile (version {present}, yours is {given}); load it again",
            row_version=present,
        )


async def get_member(session: AsyncSession, organization_id: UUID, user_id: UUID) -> Membership:
    """A membership, active or not, locked.

    Raises:
        NotFound: there is none.
    """
    membership = await session.get(Membership, (organization_id, user_id), with_for_update=True)
    if membership is None:
        raise NotFound("there is no such member in this organization", resource="member")
    return membership


async def _not_last_owner(session: AsyncSession, organization_id: UUID, user_id: UUID) -> None:
    await session.execute(sa.select(Organization.id).where(Organization.id == organization_id).with_for_update())
    others = (
        sa.select(sa.func.count())
        .select_from(Membership)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.organization_id == organization_id, Membership.user_id != user_id, Membership.role == "owner",
            Membership.is_active, User.is_active, User.kind == "person",
        )
    )  # fmt: skip
    if not await session.scalar(others):
        raise Conflict("this is the last owner of the organization; make somebody else owner first")
