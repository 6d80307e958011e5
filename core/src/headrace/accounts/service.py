"""Organizations, users and their roles."""

from __future__ import annotations

import re
import unicodedata
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.models import Membership, Organization, SignIn, User
from headrace.accounts.passwords import check_strength, hash_password, verify_password
from headrace.accounts.permissions import PERMISSIONS, ROLES, Actor, system_actor
from headrace.infra.clock import now
from headrace.infra.database import set_tenant
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict, NotFound

__all__ = [
    "PERMISSIONS", "ROLES", "Actor", "Membership", "Organization", "User", "add_member", "change_password",
    "create_organization", "create_user", "deactivate_member", "get_organization", "list_members", "set_role",
    "system_actor", "user_by_id",
]  # fmt: skip

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
    email = email.strip()
    if not _EMAIL.fullmatch(email):
        raise ConfigError("this is not an e-mail address", field="email")
    if password is not None:
        check_strength(password, email=email)
    if await session.scalar(sa.select(User.id).where(sa.func.lower(User.email) == email.lower())):
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
        raise NotFound("there is no such user in this organization")
    return found


async def add_member(session: AsyncSession, organization_id: UUID, user_id: UUID, role: str) -> Membership:
    """Give a user a role in an organization.

    Raises:
        ConfigError: no such role.
        Conflict: is a member already.
    """
    _check_role(role)
    if await session.get(Membership, (organization_id, user_id)):
        raise Conflict("this user is a member already; change the role instead")
    membership = Membership(organization_id=organization_id, user_id=user_id, role=role)
    session.add(membership)
    await session.flush()
    return membership


async def list_members(session: AsyncSession, organization_id: UUID) -> list[tuple[User, Membership]]:
    """Members by name."""
    query = (
        sa.select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == organization_id)
        .order_by(sa.func.lower(User.full_name), User.id)
    )
    return [(user, membership) for user, membership in await session.execute(query)]


async def set_role(session: AsyncSession, actor: Actor, user_id: UUID, role: str) -> Membership:
    """Change a role; access tokens of the old one end at once.

    Raises:
        Denied: the actor may not, or gives more than they have.
        Conflict: it is the last owner.
    """
    actor.require("organization:manage_members")
    _check_role(role)
    membership = await _member(session, actor.organization_id, user_id)
    if "owner" in {role, membership.role} and actor.role != "owner":
        actor.require("organization:manage_billing")
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
    membership = await _member(session, actor.organization_id, user_id)
    if membership.role == "owner":
        actor.require("organization:manage_billing")
        await _not_last_owner(session, actor.organization_id, user_id)
    membership.is_active = False
    membership.session_version += 1
    await end_sign_ins(session, actor.organization_id, user_id, "deactivated")


async def change_password(session: AsyncSession, user_id: UUID, *, old: str, new: str) -> None:
    """Change a password; every token given out before ends.

    Raises:
        ConfigError: the old one is wrong, or the new one does not do.
    """
    user = await session.get(User, user_id)
    if user is None or not await verify_password(old, user.password_hash):
        raise ConfigError("the present password is wrong", field="old_password")
    check_strength(new, email=user.email)
    user.password_hash = await hash_password(new)
    user.session_version += 1
    await session.flush()


async def end_sign_ins(session: AsyncSession, organization_id: UUID, user_id: UUID, reason: str) -> None:
    """End every sign-in of a user in an organization."""
    await session.execute(
        sa.update(SignIn)
        .where(SignIn.organization_id == organization_id, SignIn.user_id == user_id, SignIn.revoked_at.is_(None))
        .values(revoked_at=now(), revoked_reason=reason, row_version=SignIn.row_version + 1)
    )


def clean_name(name: str, what: str) -> str:
    """A name without blanks around it, 1 to 200 characters, no control characters.

    Raises:
        ConfigError: otherwise.
    """
    name = name.strip()
    if not 1 <= len(name) <= 200 or any(unicodedata.category(character) == "Cc" for character in name):
        raise ConfigError(f"the name of a {what} has 1 to 200 printable characters", field="name")
    return name


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise ConfigError(f"there is no role '{role}'; choose one of {', '.join(ROLES)}", field="role")


async def _member(session: AsyncSession, organization_id: UUID, user_id: UUID) -> Membership:
    membership = await session.get(Membership, (organization_id, user_id), with_for_update=True)
    if membership is None:
        raise NotFound("there is no such member in this organization")
    return membership


async def _not_last_owner(session: AsyncSession, organization_id: UUID, user_id: UUID) -> None:
    await session.execute(sa.select(Organization.id).where(Organization.id == organization_id).with_for_update())
    others = sa.select(sa.func.count()).where(
        Membership.organization_id == organization_id,
        Membership.user_id != user_id,
        Membership.role == "owner",
        Membership.is_active,
    )
    if not await session.scalar(others):
        raise Conflict("this is the last owner of the organization; make somebody else owner first")
