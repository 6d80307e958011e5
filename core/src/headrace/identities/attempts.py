"""Sign-ins that are under way at a provider: bound to the browser, good for one return, gone after ten minutes."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.tokens import digest
from headrace.identities.models import IdentityProvider, SignInAttempt
from headrace.infra.clock import now
from headrace.infra.crypto import Cipher, KeyRing
from headrace.infra.datakeys import organization_cipher, sealing_cipher
from headrace.infra.ids import new_id, new_token
from headrace.sdk.auth import SignInRefused

LIFETIME = timedelta(minutes=10)
ANSWER_MAX = 512 * 1024
_GONE = "this sign-in is over or was begun in another browser; begin again"


class Way(Struct, frozen=True):
    """What goes with the browser: `state` through the provider, `browser` as a cookie."""

    state: str
    browser: str

    @classmethod
    def new(cls) -> Way:
        """A fresh one; 256 random bits each."""
        return cls(new_token(), new_token())


class Returned(Struct, frozen=True, kw_only=True):
    """What was kept of an attempt, and what the browser posted before."""

    memory: dict[str, str]
    fields: dict[str, str]
    next: str
    user_id: UUID | None


async def remember(
    session: AsyncSession, ring: KeyRing, provider: IdentityProvider, way: Way, memory: dict[str, str], *,
    next_: str = "/", user_id: UUID | None = None,
) -> None:  # fmt: skip
    """Keep an attempt; those of this organization that are over are removed."""
    over = sa.delete(SignInAttempt).where(
        SignInAttempt.organization_id == provider.organization_id, SignInAttempt.expires_at < now()
    )
    await session.execute(over)
    row = SignInAttempt(
        organization_id=provider.organization_id, id=new_id(), provider_id=provider.id, state_hash=digest(way.state),
        browser_hash=digest(way.browser), next=next_, user_id=user_id, expires_at=now() + LIFETIME,
    )  # fmt: skip
    row.memory = _seal(await sealing_cipher(session, ring, provider.organization_id), row.id, "memory", memory)
    session.add(row)
    await session.flush()


async def keep_answer(
    session: AsyncSession, ring: KeyRing, provider: IdentityProvider, state: str, fields: dict[str, str]
) -> None:
    """Keep what the browser was made to post from elsewhere, until it asks from here, with its cookie.

    Raises:
        SignInRefused: there is no such attempt, it was answered already, or the answer is too large.
    """
    if sum(map(len, fields.values())) > ANSWER_MAX:
        raise SignInRefused("the provider's answer is too large; tell your admin", detail="answer too large")
    row = await session.scalar(_open(provider, state).where(SignInAttempt.answer.is_(None)).with_for_update())
    if row is None:
        raise SignInRefused(_GONE, detail="an answer to no open attempt")
    cipher = await sealing_cipher(session, ring, provider.organization_id)
    row.answer = _seal(cipher, row.id, "answer", fields)
    await session.flush()


async def redeem(
    session: AsyncSession, ring: KeyRing, provider: IdentityProvider, *, state: str, browser: str
) -> Returned | None:
    """End an attempt, whatever comes of it; None when there is none or another browser asks.

    It returns instead of raising, so that an attempt that leaked ends with the caller's commit.
    """
    row = await session.scalar(_open(provider, state).with_for_update())
    if row is None:
        return None
    row.used_at = now()
    await session.flush()
    if not hmac.compare_digest(row.browser_hash, digest(browser)):
        return None
    cipher = await organization_cipher(session, ring, provider.organization_id)
    fields = _unseal(cipher, row.id, "answer", row.answer) if row.answer is not None else {}
    row.answer = None
    await session.flush()
    return Returned(
        memory=_unseal(cipher, row.id, "memory", row.memory), fields=fields, next=row.next, user_id=row.user_id
    )


def gone() -> SignInRefused:
    """There is no such attempt."""
    return SignInRefused(_GONE, detail="state unknown, used, expired, or of another browser")


def _open(provider: IdentityProvider, state: str) -> sa.Select[Any]:
    return sa.select(SignInAttempt).where(
        SignInAttempt.organization_id == provider.organization_id, SignInAttempt.provider_id == provider.id,
        SignInAttempt.state_hash == digest(state), SignInAttempt.used_at.is_(None), SignInAttempt.expires_at > now(),
    )  # fmt: skip


def _seal(cipher: Cipher, row_id: UUID, field: str, plain: dict[str, str]) -> str:
    return cipher.encrypt(msgspec.json.encode(plain), table="sign_in_attempts", row_id=row_id, field=field)


def _unseal(cipher: Cipher, row_id: UUID, field: str, blob: str) -> dict[str, str]:
    plain = cipher.decrypt(blob, table="sign_in_attempts", row_id=row_id, field=field)
    return msgspec.json.decode(plain, type=dict[str, str])
