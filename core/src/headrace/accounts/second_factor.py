"""Second factor: codes of an authenticator (TOTP), each good once, and recovery codes for when it is lost.

The session is of the user (`app.user_id`). Wrong codes lock the factor for a while; only who knows the password gets
as far as to be counted, so nobody else can lock a person out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Literal
from uuid import UUID

import pyotp
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.models import SecondFactor, User
from headrace.infra.clock import now
from headrace.infra.crypto import KeyRing
from headrace.infra.datakeys import check_ring
from headrace.sdk.errors import ConfigError, Conflict, NotFound

Outcome = Literal["off", "passed", "missing", "wrong", "locked"]
DRIFT_STEPS = 1
"""Codes of the 30 seconds before and after are taken as well: clocks differ."""
FAILURES_MAX = 5
LOCK = timedelta(minutes=5)
RECOVERY_CODES = 10


class Enrolment(Struct, frozen=True):
    """What an authenticator needs: the secret, also as the `otpauth://` address of a QR code. Shown once."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        return "Enrolment(***)"


class FactorState(Struct, frozen=True, kw_only=True):
    """Whether a second factor is asked for at sign-in."""

    enabled: bool
    recovery_codes_left: int = 0


async def state(session: AsyncSession, user_id: UUID) -> FactorState:
    """How it stands."""
    row = await session.get(SecondFactor, user_id)
    if row is None or row.confirmed_at is None:
        return FactorState(enabled=False)
    return FactorState(enabled=True, recovery_codes_left=len(row.recovery_hashes))


async def enrol(session: AsyncSession, ring: KeyRing, user: User) -> Enrolment:
    """Begin: a new secret, which counts once `confirm` has seen a code of it.

    Raises:
        Conflict: there is a second factor already.
    """
    row = await session.get(SecondFactor, user.id, with_for_update=True)
    if row is not None and row.confirmed_at is not None:
        raise Conflict("you have a second factor already; remove it first")
    await check_ring(session, ring)
    secret = pyotp.random_base32()
    blob = ring.personal_cipher().encrypt(secret.encode(), table="second_factors", row_id=user.id, field="secret")
    if row is None:
        row = SecondFactor(user_id=user.id, secret=blob)
        session.add(row)
    row.secret, row.last_step, row.failures = blob, 0, 0
    await session.flush()
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name="headrace"))


async def confirm(session: AsyncSession, ring: KeyRing, user_id: UUID, code: str) -> list[str]:
    """Turn it on with a first code. Returns the recovery codes, shown once.

    Raises:
        ConfigError: the code is wrong.
        NotFound: nothing was begun.
    """
    row = await session.get(SecondFactor, user_id, with_for_update=True)
    if row is None or row.confirmed_at is not None:
        raise NotFound("there is no second factor to confirm; begin one first")
    if not _is_code(row, ring, code):
        raise ConfigError("the code is wrong; check the clock of the device and try the next one", field="code")
    row.confirmed_at = now()
    return await _new_recovery_codes(session, row)


async def renew_recovery_codes(session: AsyncSession, user_id: UUID) -> list[str]:
    """New recovery codes; the old ones are void.

    Raises:
        NotFound: there is no second factor.
    """
    row = await session.get(SecondFactor, user_id, with_for_update=True)
    if row is None or row.confirmed_at is None:
        raise NotFound("you have no second factor")
    return await _new_recovery_codes(session, row)


async def remove(session: AsyncSession, user_id: UUID) -> None:
    """Ask for the password alone from now on; the caller has checked that they may. The session is of that user."""
    await session.execute(sa.delete(SecondFactor).where(SecondFactor.user_id == user_id))


async def check(session: AsyncSession, ring: KeyRing, user_id: UUID, code: str | None) -> Outcome:
    """Judge a code at sign-in. Wrong ones are counted, so let the transaction commit whatever the outcome."""
    row = await session.get(SecondFactor, user_id, with_for_update=True, populate_existing=True)
    if row is None or row.confirmed_at is None:
        return "off"
    if row.locked_until is not None and row.locked_until > now():
        return "locked"
    if not code:
        return "missing"
    if _is_code(row, ring, code) or _is_recovery_code(row, code):
        row.failures, row.locked_until = 0, None
        await session.flush()
        return "passed"
    row.failures += 1
    if row.failures >= FAILURES_MAX:
        row.failures, row.locked_until = 0, now() + LOCK
    await session.flush()
    return "wrong"


def _is_code(row: SecondFactor, ring: KeyRing, code: str) -> bool:
    """Whether it is a code of now that was not used yet; then it is used."""
    code = code.replace(" ", "")
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        return False
    raw = ring.personal_cipher(row.secret).decrypt(
        row.secret, table="second_factors", row_id=row.user_id, field="secret"
    )
    totp = pyotp.TOTP(raw.decode())
    present = int(now().timestamp()) // totp.interval
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if step > row.last_step and hmac.compare_digest(totp.generate_otp(step), code):
            row.last_step = step
            return True
    return False


def _is_recovery_code(row: SecondFactor, code: str) -> bool:
    given = _recovery_hash(row.user_id, code)
    left = [one for one in row.recovery_hashes if not hmac.compare_digest(one, given)]
    used = len(left) < len(row.recovery_hashes)
    row.recovery_hashes = left
    return used


def _recovery_hash(user_id: UUID, code: str) -> bytes:
    """They have 80 random bits, so that a fast hash is enough."""
    return hashlib.sha256(f"{user_id}|{code.replace('-', '').replace(' ', '').lower()}".encode()).digest()


async def _new_recovery_codes(session: AsyncSession, row: SecondFactor) -> list[str]:
    plain = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)]
    row.recovery_hashes = [_recovery_hash(row.user_id, one) for one in plain]
    await session.flush()
    return ["-".join(one[i : i + 4] for i in range(0, 16, 4)) for one in plain]
