"""The first admin: a one-time token, printed by the start of a fresh installation."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import service
from headrace.accounts.models import Membership, Organization, SetupToken, User
from headrace.accounts.tokens import digest
from headrace.infra import states
from headrace.infra.clock import now
from headrace.infra.database import set_tenant
from headrace.infra.ids import new_token
from headrace.sdk.errors import Conflict, Unauthenticated

_LIFETIME = timedelta(hours=24)
_LOCK = 7_210_463_002
_FIRST = "first_organization"


async def first_organization(session: AsyncSession, *, name: str = "headrace") -> Organization:
    """The organization of a fresh installation, made at the first call; the transaction then is of it."""
    await _one_at_a_time(session)
    known = await states.get_state(session, _FIRST)
    if known is not None:
        await set_tenant(session, UUID(known))
        return await service.get_organization(session, UUID(known))
    organization = await service.create_organization(session, name=name)
    await states.set_state(session, _FIRST, str(organization.id))
    return organization


async def needs_setup(session: AsyncSession) -> bool:
    """Whether there is no account yet."""
    return not await session.scalar(sa.select(sa.exists().select_from(User)))


async def new_setup_token(session: AsyncSession) -> str | None:
    """A token for the first admin, valid for a day; earlier ones end. None when there is an account already."""
    await _one_at_a_time(session)
    if not await needs_setup(session):
        return None
    await session.execute(sa.delete(SetupToken))
    token = new_token("hrsetup_")
    session.add(SetupToken(token_hash=digest(token), expires_at=now() + _LIFETIME))
    await session.flush()
    return token


async def complete_setup(
    session: AsyncSession, *, token: object, email: str, password: str, full_name: str, organization_name: str = ""
) -> tuple[User, Membership]:
    """Make the first admin: platform admin and owner of the first organization. Use a transaction without organization.

    Raises:
        Unauthenticated: the token is wrong, used or too old.
        Conflict: there is an account already.
    """
    await _one_at_a_time(session)
    if not isinstance(token, str) or not token:
        raise Unauthenticated("the set-up link is not valid; start headrace again for a new one")
    query = sa.select(SetupToken).where(SetupToken.token_hash == digest(token), SetupToken.used_at.is_(None))
    row = await session.scalar(query.with_for_update())
    if row is None or row.expires_at <= now():
        raise Unauthenticated("the set-up link is not valid; start headrace again for a new one")
    if not await needs_setup(session):
        raise Conflict("there is an account already; sign in instead")
    row.used_at = now()
    organization = await first_organization(session, name=organization_name or "headrace")
    if organization_name:
        organization.name = service.clean_name(organization_name, "organization")
    user = await service.create_user(
        session, email=email, password=password, full_name=full_name, is_platform_admin=True
    )
    user.is_email_verified = True
    membership = await service.add_member(session, organization.id, user.id, "owner")
    return user, membership


async def _one_at_a_time(session: AsyncSession) -> None:
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
