"""Somebody whom a provider vouches for arrives: who that is here, with which role, or why not.

A refusal is returned instead of raised, so that what it ends (a membership without a group) ends with the commit.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Literal
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import second_factor, sign_in
from headrace.accounts import service as accounts
from headrace.accounts.permissions import ROLES, system_actor
from headrace.accounts.tokens import Signer
from headrace.identities.models import Identity, IdentityProvider
from headrace.infra.clock import now
from headrace.infra.database import set_tenant
from headrace.infra.ids import new_id
from headrace.sdk.auth import Profile
from headrace.sdk.errors import ConfigError, Conflict

GROUP_MAX, GROUPS_MAX = 500, 500
LOCK = sa.text("select pg_advisory_xact_lock(hashtextextended(:name, 11))")
_NO_ROLE = "none of your groups lets you in here; ask an admin of the organization"
_STRANGER = "nobody here is known by this sign-in; ask an admin for an invitation, then link it in your account"


class Refusal(Struct, frozen=True):
    """Why somebody does not get in: a sentence for them, a detail for the admins."""

    message: str
    detail: str


_ADMIN = Refusal(
    "a platform admin does not sign in this way; use your password",
    "the provider is not listed by a platform admin, so it does not speak for one",
)


class Visit(Struct, frozen=True, kw_only=True):
    """Whence somebody comes; `code` is of the second factor, which is asked for where a password was typed here."""

    kind: Literal["browser", "program"]
    ip_address: str = ""
    user_agent: str = ""
    code: str | None = None
    asks_factor: bool = False


async def arrive(
    session: AsyncSession, signer: Signer, provider: IdentityProvider, profile: Profile, visit: Visit
) -> sign_in.SignedIn | second_factor.Outcome | Refusal:
    """Sign in whom a provider vouches for. The transaction is of the provider's organization."""
    cleaned = _clean(profile)
    if isinstance(cleaned, Refusal):
        return cleaned
    profile = cleaned
    await session.execute(LOCK, {"name": f"{provider.id}|{profile.subject}"})
    identity = await _identity(session, provider, profile.subject)
    role = role_of(profile.groups, provider.group_roles) or provider.default_role
    if identity is None:
        found = await _first_time(session, provider, profile, role)
        if isinstance(found, Refusal):
            return found
        identity = found
    else:
        refusal = await _again(session, provider, identity, role)
        if refusal:
            return refusal
    known = await accounts.member_and_user(session, provider.organization_id, identity.user_id)
    if known is None or known[0].kind != "person":
        return Refusal("your account is not active here; ask an admin of the organization", "user or member inactive")
    user, membership = known
    if not may_speak_for(provider, user):
        return _ADMIN
    await set_tenant(session, provider.organization_id, user_id=user.id)
    if visit.asks_factor:
        outcome = await second_factor.check(session, signer.ring, user.id, visit.code)
        if outcome not in {"off", "passed"}:
            return outcome
    identity.email, identity.groups, identity.last_sign_in_at = profile.email[:320], list(profile.groups), now()
    user.last_login_at = now()
    await session.flush()
    return await sign_in.open_session(
        session, signer, user, membership, kind=visit.kind, ip_address=visit.ip_address, user_agent=visit.user_agent,
        way=sign_in.Way(
            provider_id=provider.id, is_bound=not provider.listed,
            ends_at=now() + timedelta(hours=provider.session_hours),
        ),
    )  # fmt: skip


async def link(session: AsyncSession, provider: IdentityProvider, profile: Profile, user_id: UUID) -> Refusal | None:
    """Somebody who is signed in has shown that this subject is theirs too."""
    cleaned = _clean(profile)
    if isinstance(cleaned, Refusal):
        return cleaned
    profile = cleaned
    await session.execute(LOCK, {"name": f"{provider.id}|{profile.subject}"})
    identity = await _identity(session, provider, profile.subject)
    if identity is not None and identity.user_id != user_id:
        return Refusal("this sign-in belongs to another account", "linked to somebody else")
    if await accounts.member_and_user(session, provider.organization_id, user_id) is None:
        return Refusal("your account is not active here", "user or member inactive")
    if identity is None:
        await _note(session, provider, profile, user_id)
    return None


def role_of(groups: Iterable[str], group_roles: Mapping[str, str]) -> str | None:
    """The strongest of our roles that the groups give, else one that the organization has made; case does not count."""
    wanted = {name.casefold(): role for name, role in group_roles.items()}
    given = {wanted[group.casefold()] for group in groups if group.casefold() in wanted}
    ours = given & set(ROLES)
    return max(ours, key=ROLES.index) if ours else min(given, default=None)


def vouches(provider: IdentityProvider, email: str) -> bool:
    """Whether the provider may say whose e-mail address this is."""
    return bool(email) and ("*" in provider.domains or email.rpartition("@")[2].lower() in provider.domains)


def may_speak_for(provider: IdentityProvider, user: accounts.User) -> bool:
    """An organization's owner says what its provider says; that must not make them platform admin."""
    return provider.listed or not user.is_platform_admin


def _clean(profile: Profile) -> Profile | Refusal:
    """The profile without what cannot be kept: odd characters, endless lists."""
    if not 1 <= len(profile.subject) <= 255 or not profile.subject.strip() or _odd(profile.subject):
        return Refusal(
            "the provider does not say who you are; tell your admin", "the subject is empty, too long or odd"
        )
    groups = [group for group in profile.groups if 1 <= len(group) <= GROUP_MAX and not _odd(group)]
    email = "" if _odd(profile.email) else profile.email.strip()
    return structs.replace(profile, email=email, groups=tuple(dict.fromkeys(groups))[:GROUPS_MAX])


def _odd(text: str) -> bool:
    return any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)


async def _identity(session: AsyncSession, provider: IdentityProvider, subject: str) -> Identity | None:
    query = sa.select(Identity).where(
        Identity.organization_id == provider.organization_id, Identity.provider_id == provider.id,
        Identity.subject == subject,
    )  # fmt: skip
    found: Identity | None = await session.scalar(query.with_for_update())
    return found


async def _first_time(
    session: AsyncSession, provider: IdentityProvider, profile: Profile, role: str | None
) -> Identity | Refusal:
    if not (profile.email_verified and vouches(provider, profile.email)):
        return Refusal(_STRANGER, "unknown subject; its e-mail address is absent, not verified or of another domain")
    try:
        email = accounts.check_email(profile.email)
    except ConfigError:
        return Refusal(_STRANGER, "unknown subject; what it gives is no e-mail address")
    await session.execute(LOCK, {"name": f"email|{email.lower()}"})
    user = await accounts.user_by_email(session, email)
    if user is not None and user.kind != "person":
        return Refusal(_STRANGER, "the address is that of a service account")
    if user is not None and not may_speak_for(provider, user):
        return _ADMIN
    member = await session.get(accounts.Membership, (provider.organization_id, user.id)) if user else None
    if member is not None and user is not None:
        return await _note(session, provider, profile, user.id)
    if not provider.provisions:
        return Refusal(_STRANGER, "no member has this address, and the provider makes no accounts")
    if role is None:
        return Refusal(_NO_ROLE, "no group of theirs has a role, and there is no role for the others")
    if user is None:
        user = await new_user(session, email, profile.name)
    member = await accounts.add_member(session, provider.organization_id, user.id, role)
    member.provider_id = provider.id
    return await _note(session, provider, profile, user.id)


async def new_user(session: AsyncSession, email: str, name: str) -> accounts.User:
    """An account of an address that is vouched for; it has no password."""
    shown = "".join(one for one in name if not _odd(one)).strip()[:200]
    user = await accounts.create_user(session, email=email, password=None, full_name=shown or email.partition("@")[0])
    user.is_email_verified = True
    return user


async def _note(session: AsyncSession, provider: IdentityProvider, profile: Profile, user_id: UUID) -> Identity:
    row = Identity(
        organization_id=provider.organization_id, id=new_id(), provider_id=provider.id, subject=profile.subject,
        user_id=user_id, email=profile.email[:320], groups=list(profile.groups),
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row


async def _again(
    session: AsyncSession, provider: IdentityProvider, identity: Identity, role: str | None
) -> Refusal | None:
    """Of those whom the provider brought, the membership follows their groups; of others it is left alone."""
    member = await accounts.get_member(session, provider.organization_id, identity.user_id)
    if member.provider_id != provider.id:
        return None
    actor = system_actor(provider.organization_id)
    if role is None:
        if member.is_active:
            try:
                await accounts.deactivate_member(session, actor, identity.user_id)
                identity.ended_at = now()
            except Conflict:
                pass  # the last owner stays a member, and may come in by a password
        return Refusal(_NO_ROLE, "no group of theirs has a role any more; the membership is ended")
    if not member.is_active:
        if identity.ended_at is None:
            return None  # an admin has ended it, and a group does not undo that
        await accounts.activate_member(session, actor, identity.user_id)
        identity.ended_at = None
    if member.role != role:
        try:
            await accounts.set_role(session, actor, identity.user_id, role)
        except Conflict:
            return None  # the last owner stays owner
    return None
