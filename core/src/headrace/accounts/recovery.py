"""New accounts and forgotten passwords: by a letter to the address, never by what somebody else could know."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import letters, service
from headrace.accounts.models import Letter, Membership, User
from headrace.accounts.passwords import check_strength, hash_password
from headrace.accounts.permissions import Actor
from headrace.infra import states
from headrace.infra.database import set_tenant
from headrace.sdk.errors import Conflict, Denied, Unauthenticated

Registration = Literal["closed", "open"]
_REGISTRATION = "registration"


async def registration(session: AsyncSession) -> Registration:
    """Whether strangers may make accounts; closed unless a platform admin has opened it."""
    return "open" if await states.get_state(session, _REGISTRATION) == "open" else "closed"


async def set_registration(session: AsyncSession, actor: Actor, to: Registration) -> None:
    """Open or close it for the whole installation."""
    actor.require("system:manage")
    await states.set_state(session, _REGISTRATION, to)


async def register(session: AsyncSession, *, email: str, full_name: str, organization_name: str = "") -> None:
    """Ask for an account: a letter goes to the address, and says so if it has one already.

    Raises:
        Denied: registration is closed.
        ConfigError: it is no address, or the names do not do.
    """
    await _only_open(session)
    service.check_email(email)
    full_name = service.clean_name(full_name, "person")
    organization = service.clean_name(organization_name or f"{full_name}'s organization", "organization")
    await letters.write(session, "register", email, full_name=full_name, organization=organization)


async def confirm_registration(session: AsyncSession, *, token: object, password: str) -> tuple[User, Membership]:
    """Make the account and its organization, of which it is the owner. Use a transaction without organization.

    Raises:
        Unauthenticated: the link is not valid any more.
        Conflict: there is an account meanwhile.
        Denied: registration was closed meanwhile.
    """
    letter = await letters.redeem(session, "register", token)
    await _only_open(session)
    user = await service.create_user(
        session, email=letter.recipient, password=password, full_name=letter.data["full_name"]
    )
    user.is_email_verified = bool(letter.data.get("mailed"))
    organization = await service.create_organization(session, name=letter.data["organization"])
    return user, await service.add_member(session, organization.id, user.id, "owner")


async def forgot_password(session: AsyncSession, *, email: str) -> None:
    """Ask for a new password: the same for every address, with or without an account."""
    service.check_email(email)
    await letters.write(session, "reset_password", email)


async def reset_password(session: AsyncSession, *, token: object, new_password: str) -> None:
    """Set a password by the letter's link; every sign-in of the user ends, a second factor stays.

    Raises:
        Unauthenticated: the link is not valid any more.
        ConfigError: the password does not do; the link stays good.
    """
    letter = await letters.redeem(session, "reset_password", token)
    user = await session.get(User, UUID(letter.data["user_id"]), with_for_update=True)
    if user is None or not user.is_active or user.kind != "person" or await _outgrown(session, letter, user):
        raise Unauthenticated("the link is not valid any more; ask for a new one")
    check_strength(new_password, email=user.email)
    user.password_hash = await hash_password(new_password)
    user.session_version += 1
    user.is_email_verified = user.is_email_verified or bool(letter.data.get("mailed"))
    await session.flush()


async def help_member(session: AsyncSession, actor: Actor, user_id: UUID, base_url: str) -> letters.Opened:
    """A link with which a member chooses a new password; to be handed over by the admin who asks for it.

    Raises:
        NotFound: no such member.
        Denied: the member has more rights than the actor, or an account that others answer for too.
    """
    user = await recoverable(session, actor, user_id)
    letter = await letters.write(session, "reset_password", user.email, alone=not actor.is_platform_admin)
    opened = await letters.open_letter(session, letter.id, base_url)
    letter.status = "void"  # handed over, not mailed
    if opened is None:
        raise Conflict("this account is not active; activate it first")
    return opened


async def recoverable(session: AsyncSession, actor: Actor, user_id: UUID) -> User:
    """A member whose account the actor may let in again: no more rights, and of no other organization.

    Raises:
        NotFound, Denied: otherwise.
    """
    actor.require("organization:manage_members")
    membership = await service.get_member(session, actor.organization_id, user_id)
    await service.require_role(session, actor, membership.role)
    user = await service.user_by_id(session, user_id)
    elsewhere = await _several(session, user_id)
    await set_tenant(session, actor.organization_id, user_id=actor.user_id)
    if (elsewhere or user.is_platform_admin) and not actor.is_platform_admin:
        raise Denied("this account belongs to other organizations too; its owner has to use 'forgot password'")
    return user


async def _outgrown(session: AsyncSession, letter: Letter, user: User) -> bool:
    """Whether an admin of one organization got this link, and the account has come to be of others too."""
    return bool(letter.data.get("alone")) and (user.is_platform_admin or await _several(session, user.id))


async def _several(session: AsyncSession, user_id: UUID) -> bool:
    """Whether the user is a member of several organizations; the transaction then is of the user alone."""
    await set_tenant(session, None, user_id=user_id)
    return len(await service.organizations_of(session, user_id)) > 1


async def _only_open(session: AsyncSession) -> None:
    if await registration(session) == "closed":
        raise Denied("this installation takes no registrations; ask an admin for an invitation")
