"""Sign in, refresh, sign out, and who a token stands for."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import second_factor
from headrace.accounts.models import Membership, SignIn, User
from headrace.accounts.passwords import hash_password, needs_rehash, verify_password
from headrace.accounts.permissions import Actor
from headrace.accounts.rights import rights_of
from headrace.accounts.service import member_and_user, members, user_by_email
from headrace.accounts.tokens import ACCESS_S, COOKIE, REFRESH, Claims, SessionToken, Signer
from headrace.infra.clock import now
from headrace.infra.database import set_tenant
from headrace.infra.ids import new_id
from headrace.sdk.errors import Denied, NotFound, Unauthenticated

LIFETIME = timedelta(days=7)
_GRACE = timedelta(seconds=5)
_TOUCH = timedelta(minutes=1)
_WRONG = "the e-mail address or the password is wrong"


class Way(Struct, frozen=True, kw_only=True):
    """How somebody has proven who they are: by a password, or by an identity provider.

    Attributes:
        provider_id: The provider; None for a password.
        is_bound: It speaks for its own organization only.
        ends_at: Whoever came by it is asked again then, however busy they are: it may not vouch for them any more.
    """

    provider_id: UUID | None = None
    is_bound: bool = False
    ends_at: datetime | None = None


PASSWORD = Way()


class SignedIn(Struct, frozen=True, kw_only=True):
    """The outcome of signing in.

    Attributes:
        token: Refresh token of a program, or the cookie of a browser.
        access_token: For programs; empty for browsers.
    """

    actor: Actor
    token: str
    access_token: str = ""
    expires_in_s: int = ACCESS_S

    def __repr__(self) -> str:
        return f"SignedIn({self.actor.user_id})"


async def login(
    session: AsyncSession, signer: Signer, *, email: str, password: str, code: str | None = None,
    kind: Literal["browser", "program"] = "program",
    organization_id: UUID | None = None, ip_address: str = "", user_agent: str = "",
) -> SignedIn | second_factor.Outcome:  # fmt: skip
    """Sign in with a password, into the named or the first organization. Use a transaction without organization.

    A second factor that is missing, wrong or locked is returned instead of raised, so that wrong codes are counted with
    the caller's commit.

    Raises:
        Unauthenticated: one and the same answer for unknown, inactive and wrong.
    """
    user = await user_by_email(session, email)
    good = await verify_password(password, user.password_hash if user else None)
    if user is None or not good or not user.is_active:
        raise Unauthenticated(_WRONG)
    await set_tenant(session, None, user_id=user.id)
    query = sa.select(Membership).where(
        Membership.user_id == user.id, Membership.is_active, Membership.provider_id.is_(None)
    )
    if organization_id is not None:
        query = query.where(Membership.organization_id == organization_id)
    membership = await session.scalar(query.order_by(Membership.created_at, Membership.organization_id).limit(1))
    if membership is None:
        raise Unauthenticated(_WRONG)
    await set_tenant(session, membership.organization_id, user_id=user.id)
    outcome = await second_factor.check(session, signer.ring, user.id, code)
    if outcome not in {"off", "passed"}:
        return outcome
    if user.password_hash and needs_rehash(user.password_hash):
        user.password_hash = await hash_password(password)
    return await open_session(
        session, signer, user, membership, kind=kind, ip_address=ip_address, user_agent=user_agent
    )


async def open_session(
    session: AsyncSession, signer: Signer, user: User, membership: Membership, *, kind: Literal["browser", "program"],
    ip_address: str = "", user_agent: str = "", way: Way = PASSWORD,
) -> SignedIn:  # fmt: skip
    """Begin a sign-in for a user whose identity is proven (password, set-up, single sign-on)."""
    prefix = COOKIE if kind == "browser" else REFRESH
    user.last_login_at = now()
    token = SessionToken.new(prefix, membership.organization_id, new_id())
    row = SignIn(
        organization_id=membership.organization_id, id=token.session_id, user_id=user.id, kind=kind,
        user_version=user.session_version,
        token_hash=token.digest, ip_address=ip_address[:64], user_agent=user_agent[:400],
        last_activity_at=now(), expires_at=_until(way.ends_at), ends_at=way.ends_at, provider_id=way.provider_id,
        is_bound=way.is_bound,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return await _signed_in(session, signer, user, membership, token)


def _until(ends_at: datetime | None) -> datetime:
    renewed = now() + LIFETIME
    return renewed if ends_at is None else min(renewed, ends_at)


async def _signed_in(
    session: AsyncSession, signer: Signer, user: User, membership: Membership, token: SessionToken
) -> SignedIn:
    access = ""
    if token.prefix == REFRESH:
        version = f"{user.session_version}.{membership.session_version}"
        access = signer.issue(Claims(user.id, membership.organization_id, token.session_id, version))
    actor = await actor_of(session, user, membership, token.session_id)
    return SignedIn(actor=actor, token=token.text, access_token=access)


async def actor_of(session: AsyncSession, user: User, membership: Membership, session_id: UUID | None = None) -> Actor:
    """A member with the rights of their role, as of now."""
    rights = await rights_of(session, membership.organization_id, membership.role)
    return Actor(
        organization_id=membership.organization_id,
        user_id=user.id,
        role=membership.role,
        role_name=rights.name,
        permissions=rights.permissions,
        session_id=session_id,
        is_platform_admin=user.is_platform_admin,
    )


async def refresh(session: AsyncSession, signer: Signer, token: object) -> SignedIn | None:
    """Exchange a refresh token for a new pair; None when refused.

    It returns instead of raising, so that the family a stolen token belongs to ends with the caller's commit.
    """
    parsed = SessionToken.parse(token, REFRESH)
    if parsed is None:
        return None
    row = await _row(session, parsed, lock=True)
    found = await _alive(session, row)
    if row is None or found is None:
        return None
    if not hmac.compare_digest(row.token_hash, parsed.digest):
        late = row.rotated_at is None or now() - row.rotated_at > _GRACE
        if late or not hmac.compare_digest(row.previous_hash or b"", parsed.digest):
            row.revoked_at, row.revoked_reason = now(), "a used refresh token came again"
            await session.flush()
        return None
    renewed = SessionToken.new(REFRESH, parsed.organization_id, parsed.session_id)
    row.previous_hash, row.token_hash, row.rotated_at = row.token_hash, renewed.digest, now()
    row.last_activity_at, row.expires_at = now(), _until(row.ends_at)
    await session.flush()
    return await _signed_in(session, signer, *found, renewed)


async def actor_by_token(session: AsyncSession, signer: Signer, token: str) -> Actor:
    """Who a bearer token stands for, as of now; the transaction then is of that organization.

    Raises:
        Unauthenticated: not valid, or ended meanwhile.
    """
    claims = signer.verify(token)
    await set_tenant(session, claims.organization_id, user_id=claims.user_id)
    row = await session.get(SignIn, (claims.organization_id, claims.session_id))
    found = await _alive(session, row)
    if row is None or found is None or row.user_id != claims.user_id:
        raise Unauthenticated("you are signed out; sign in again")
    user, membership = found
    if claims.session_version != f"{user.session_version}.{membership.session_version}":
        raise Unauthenticated("your account has changed; refresh the token or sign in again")
    return await actor_of(session, user, membership, row.id)


async def actor_by_cookie(session: AsyncSession, cookie: object) -> Actor:
    """Who a browser's cookie stands for; the transaction then is of that organization.

    Raises:
        Unauthenticated: not valid, or ended meanwhile.
    """
    parsed = SessionToken.parse(cookie, COOKIE)
    row = await _row(session, parsed) if parsed else None
    found = await _alive(session, row)
    if parsed is None or row is None or found is None or not hmac.compare_digest(row.token_hash, parsed.digest):
        raise Unauthenticated("you are signed out; sign in again")
    user, membership = found
    if now() - row.last_activity_at > _TOUCH:
        await session.execute(
            sa.update(SignIn)
            .where(SignIn.organization_id == row.organization_id, SignIn.id == row.id)
            .values(last_activity_at=now(), expires_at=_until(row.ends_at))
            .execution_options(synchronize_session=False)
        )
    return await actor_of(session, user, membership, row.id)


async def actor_by_session(session: AsyncSession, organization_id: UUID, session_id: UUID) -> Actor:
    """Who a live sign-in belongs to, as of now; for a socket that was let in before.

    Raises:
        Unauthenticated: it has ended.
    """
    found = await actors_by_sessions(session, organization_id, [session_id])
    if session_id not in found:
        raise Unauthenticated("you are signed out; sign in again")
    return found[session_id]


async def actors_by_sessions(
    session: AsyncSession, organization_id: UUID, session_ids: Iterable[UUID]
) -> dict[UUID, Actor]:
    """Who these sign-ins belong to, as of now; one that has ended is not among them."""
    await set_tenant(session, organization_id)
    query = members(organization_id).add_columns(SignIn.id).join(SignIn, SignIn.user_id == User.id).where(
        SignIn.organization_id == organization_id, SignIn.id.in_(list(session_ids)),
        SignIn.revoked_at.is_(None), SignIn.expires_at > now(), SignIn.user_version == User.session_version,
    )  # fmt: skip
    rows = (await session.execute(query)).all()
    return {id_: await actor_of(session, user, membership, id_) for user, membership, id_ in rows}


async def switch(session: AsyncSession, signer: Signer, actor: Actor, organization_id: UUID) -> SignedIn:
    """Go on in another organization: this sign-in ends, and one like it begins there.

    The transaction then is of that organization, and the sign-in ends when it was to end.

    Raises:
        NotFound: the actor is no member there.
        Denied: they came by a provider that speaks for the present organization only, or one keeps the door there.
    """
    before = await session.get(SignIn, (actor.organization_id, actor.session_id), with_for_update=True)
    if before is None or actor.user_id is None:
        raise Unauthenticated("you are signed out; sign in again")
    before.revoked_at, before.revoked_reason = now(), "switched to another organization"
    await session.flush()
    await set_tenant(session, organization_id, user_id=actor.user_id)
    found = await member_and_user(session, organization_id, actor.user_id)
    if found is None:
        raise NotFound("there is no such organization", resource="organization")
    if before.is_bound and organization_id != before.organization_id:
        raise Denied("you came by a sign-in of this organization, which is good for it only; sign in to the other one")
    if found[1].provider_id not in {None, before.provider_id}:
        raise Denied("that organization has a sign-in of its own; sign out, and sign in by it")
    return await open_session(
        session, signer, *found, kind="browser" if before.kind == "browser" else "program",
        ip_address=before.ip_address, user_agent=before.user_agent,
        way=Way(provider_id=before.provider_id, is_bound=before.is_bound, ends_at=before.ends_at),
    )  # fmt: skip


async def is_bound(session: AsyncSession, actor: Actor) -> bool:
    """Whether the actor came by a provider that speaks for this organization only."""
    key = (actor.organization_id, actor.session_id)
    row = await session.get(SignIn, key) if actor.session_id else None
    return row is not None and row.is_bound


async def logout(session: AsyncSession, actor: Actor) -> None:
    """End the actor's sign-in."""
    if actor.session_id is not None:
        await end_session(session, actor, actor.session_id)


async def end_sessions(session: AsyncSession, actor: Actor) -> int:
    """End every sign-in of the actor here but the present one. Returns how many."""
    query = sa.update(SignIn).where(
        SignIn.organization_id == actor.organization_id, SignIn.user_id == actor.user_id,
        SignIn.revoked_at.is_(None), SignIn.id != actor.session_id if actor.session_id else sa.true(),
    )  # fmt: skip
    ended = query.values(revoked_at=now(), revoked_reason="signed out", row_version=SignIn.row_version + 1)
    return len((await session.scalars(ended.returning(SignIn.id))).all())


async def list_sessions(session: AsyncSession, actor: Actor) -> list[SignIn]:
    """The actor's live sign-ins, newest first."""
    query = (
        sa.select(SignIn)
        .join(User, sa.and_(User.id == SignIn.user_id, User.session_version == SignIn.user_version))
        .where(
            SignIn.organization_id == actor.organization_id,
            SignIn.user_id == actor.user_id,
            SignIn.revoked_at.is_(None),
            SignIn.expires_at > now(),
        )
    )
    return list((await session.scalars(query.order_by(SignIn.created_at.desc()))).all())


async def end_session(session: AsyncSession, actor: Actor, session_id: UUID) -> None:
    """End one of the actor's sign-ins.

    Raises:
        NotFound: there is no such one.
    """
    row = await session.get(SignIn, (actor.organization_id, session_id), with_for_update=True)
    if row is None or row.user_id != actor.user_id:
        raise NotFound("there is no such sign-in", resource="session")
    if row.revoked_at is None:
        row.revoked_at, row.revoked_reason = now(), "signed out"
        await session.flush()


async def _row(session: AsyncSession, token: SessionToken, *, lock: bool = False) -> SignIn | None:
    await set_tenant(session, token.organization_id)
    key = (token.organization_id, token.session_id)
    return await session.get(SignIn, key, with_for_update=lock, populate_existing=True)


async def _alive(session: AsyncSession, row: SignIn | None) -> tuple[User, Membership] | None:
    if row is None or row.revoked_at is not None or row.expires_at <= now():
        return None
    found = await member_and_user(session, row.organization_id, row.user_id)
    return found if found is not None and found[0].session_version == row.user_version else None
