"""Invitations: an address may become a member, with a role of at most the rights of who invites."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import letters, seats, service
from headrace.accounts.models import Invitation, Letter, Membership, Organization, User
from headrace.accounts.passwords import verify_password
from headrace.accounts.permissions import Actor, role_named
from headrace.accounts.rights import rights_of
from headrace.accounts.tokens import digest
from headrace.infra.clock import now
from headrace.infra.database import set_tenant
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict, NotFound, Unauthenticated

LIFETIME = timedelta(days=7)
DAYS_MAX = 30
_DEAD = "the invitation is not valid any more; ask for a new one"


class Shown(Struct, frozen=True, kw_only=True):
    """An invitation as its receiver sees it; `has_account` tells which password is asked for."""

    organization: str
    email: str
    role: str
    has_account: bool


async def invite(
    session: AsyncSession, actor: Actor, *, email: str, role: str, lifetime: timedelta = LIFETIME
) -> Invitation:
    """Invite an address; its letter is queued.

    Raises:
        Denied: the role has more rights than the actor.
        Conflict: it is a member, or invited already.
        ConfigError: no address, or more than 30 days.
        LimitReached: members and open invitations use up the plan's users.
    """
    actor.require("organization:manage_members")
    email, role = service.check_email(email), role_named(role)
    await service.require_role(session, actor, role)
    if not timedelta(0) < lifetime <= timedelta(days=DAYS_MAX):
        raise ConfigError(f"an invitation is good for at most {DAYS_MAX} days", field="days")
    await _refuse_known(session, actor, email)
    await seats.take(session, actor.organization_id, invited=True)
    row = Invitation(
        organization_id=actor.organization_id, id=new_id(), email=email, role=role, invited_by=actor.user_id,
        expires_at=now() + lifetime,
    )  # fmt: skip
    row.letter_id = (await _write(session, actor, row)).id
    session.add(row)
    await session.flush()
    return row


async def list_open(
    session: AsyncSession, actor: Actor, *, limit: int, offset: int
) -> tuple[Sequence[Invitation], int]:
    """Invitations that are neither accepted nor revoked, newest first; expired ones too."""
    actor.require("organization:manage_members")
    query = sa.select(Invitation).where(
        Invitation.organization_id == actor.organization_id, Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
    )  # fmt: skip
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    rows = await session.scalars(
        query.order_by(Invitation.created_at.desc(), Invitation.id).limit(limit).offset(offset)
    )
    return rows.all(), total or 0


async def open_link(session: AsyncSession, actor: Actor, invitation_id: UUID, base_url: str) -> letters.Opened:
    """The letter, for an admin to hand over; a link made before is void.

    Raises:
        NotFound: no such open invitation.
        Denied: it gives more rights than the actor has.
    """
    row = await _open(session, actor, invitation_id)
    await service.require_role(session, actor, row.role)
    letter = await session.get(Letter, row.letter_id) if row.letter_id else None
    if letter is None:
        letter = await _write(session, actor, row)
        row.letter_id = letter.id
    opened = await letters.open_letter(session, letter.id, base_url)
    await set_tenant(session, actor.organization_id, user_id=actor.user_id)
    if opened is None:
        raise Conflict("the invitation has expired; invite again")
    return opened


async def revoke(session: AsyncSession, actor: Actor, invitation_id: UUID) -> None:
    """End an invitation.

    Raises:
        NotFound: no such open invitation.
    """
    row = await _open(session, actor, invitation_id)
    row.revoked_at = now()
    if row.letter_id:
        void = sa.update(Letter).where(Letter.id == row.letter_id).values(token_hash=None, status="void")
        await session.execute(void)
    await session.flush()


async def look(session: AsyncSession, token: object) -> Shown:
    """What a link invites to; it stays good. Use a transaction without organization.

    Raises:
        Unauthenticated: the link is not valid any more.
    """
    found = sa.select(Letter).where(Letter.token_hash == digest(token)) if isinstance(token, str) and token else None
    letter = await session.scalar(found) if found is not None else None
    if letter is None or letter.kind != "invitation" or letter.used_at is not None:
        raise Unauthenticated(_DEAD)
    row = await _of_letter(session, letter)
    organization = await session.get_one(Organization, row.organization_id)
    known = await service.user_by_email(session, row.email)
    return Shown(organization=organization.name, email=row.email, role=row.role, has_account=known is not None)


async def accept(
    session: AsyncSession, *, token: object, password: str, full_name: str = ""
) -> tuple[User, Membership]:
    """Become a member: with the password of one's account, or a new account with this password.

    Nobody is signed in by it, so that a second factor is asked for as ever. Use a transaction without organization.

    Raises:
        Unauthenticated: the link is not valid any more, or the password is not that of the account.
        Conflict: is a member already.
        LimitReached: the plan's users are used up; the link stays good.
    """
    letter = await letters.redeem(session, "invitation", token)
    row = await _of_letter(session, letter)
    user = await service.user_by_email(session, row.email)
    if user is None:
        user = await service.create_user(session, email=row.email, password=password, full_name=full_name)
        user.is_email_verified = bool(letter.data.get("mailed"))
    elif not await verify_password(password, user.password_hash) or not user.is_active:
        raise Unauthenticated("there is an account with this address; give its password")
    row.accepted_at, row.accepted_by = now(), user.id
    membership = await session.get(Membership, (row.organization_id, user.id), with_for_update=True)
    if membership is None:
        return user, await service.add_member(session, row.organization_id, user.id, row.role)
    if membership.is_active:
        raise Conflict("you are a member of this organization already; sign in")
    await seats.take(session, row.organization_id)
    membership.is_active, membership.role, membership.provider_id = True, row.role, None
    membership.session_version += 1
    await session.flush()
    return user, membership


async def _write(session: AsyncSession, actor: Actor, row: Invitation) -> Letter:
    inviter = await service.user_by_id(session, actor.user_id) if actor.user_id else None
    return await letters.write(
        session, "invitation", row.email, organization_id=str(row.organization_id), invitation_id=str(row.id),
        role=row.role, inviter=inviter.full_name if inviter else "An admin",
    )  # fmt: skip


async def _of_letter(session: AsyncSession, letter: Letter) -> Invitation:
    organization_id = UUID(letter.data["organization_id"])
    await set_tenant(session, organization_id)
    row = await session.get(
        Invitation, (organization_id, UUID(letter.data["invitation_id"])), with_for_update=True, populate_existing=True
    )
    if row is None or row.accepted_at is not None or row.revoked_at is not None or row.expires_at <= now():
        raise Unauthenticated(_DEAD)
    if row.invited_by is not None and not await _may_still(session, row):
        raise Unauthenticated(_DEAD)
    return row


async def _may_still(session: AsyncSession, row: Invitation) -> bool:
    """Whether who invited could do so now: nobody leaves a door open behind them that they may not open any more."""
    inviter = await service.member_and_user(session, row.organization_id, row.invited_by) if row.invited_by else None
    if inviter is None:
        return False
    held = (await rights_of(session, row.organization_id, inviter[1].role)).permissions
    return "organization:manage_members" in held and (
        (await rights_of(session, row.organization_id, row.role)).permissions <= held
    )


async def _open(session: AsyncSession, actor: Actor, invitation_id: UUID) -> Invitation:
    actor.require("organization:manage_members")
    row = await session.get(Invitation, (actor.organization_id, invitation_id), with_for_update=True)
    if row is None or row.accepted_at is not None or row.revoked_at is not None:
        raise NotFound("there is no such open invitation", resource="invitation")
    return row


async def _refuse_known(session: AsyncSession, actor: Actor, email: str) -> None:
    user = await service.user_by_email(session, email)
    member = await session.get(Membership, (actor.organization_id, user.id)) if user else None
    if member is not None and member.is_active:
        raise Conflict("this address is a member already; change the role instead", field="email")
    open_one = sa.select(Invitation).where(
        Invitation.organization_id == actor.organization_id, sa.func.lower(Invitation.email) == email.lower(),
        Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None),
    )  # fmt: skip
    row = await session.scalar(open_one.with_for_update())
    if row is not None and row.expires_at > now():
        raise Conflict("this address is invited already; revoke that invitation first", field="email")
    if row is not None:
        row.revoked_at = now()
        await session.flush()
