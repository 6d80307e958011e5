"""Data keys in the database: one ring of versions per organization, wrapped by the master key.

Which master keys are this installation's is noted by their ids, so that a process with another one makes no data key
that nobody else can open.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.clock import now
from headrace.infra.crypto import OTHER_KEY, SEALED, Cipher, KeyRing, Sealed, blob_key_id, key_id
from headrace.infra.models import Base
from headrace.infra.states import get_state, set_state

STATE = "master_keys"
"""The fact that holds the ids of this installation's master keys."""
APART = 10_000
"""Between versions of an organization's own database: the shared one, which counts by one, begins none of them."""
_HOLD = sa.text("SELECT pg_advisory_xact_lock_shared(hashtextextended('data key ' || :id, 11))")
_BEGIN = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('data key ' || :id, 11))")
_RETIRE = sa.text("""
UPDATE data_keys d SET retired_at = now() WHERE organization_id = :id AND retired_at IS NULL
  AND version < (SELECT max(version) FROM data_keys n WHERE n.organization_id = :id)
""")


class DataKey(Base):
    """One version of an organization's data key; the highest encrypts."""

    __tablename__ = "data_keys"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wrapped: Mapped[str]
    retired_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now, server_default=sa.func.now())


async def organization_cipher(session: AsyncSession, ring: KeyRing, organization_id: UUID) -> Cipher:
    """Opens what an organization has stored; its first data key is made here. The session must be of that organization.

    Read the blob first and call this after it: then its key is among them, also while keys are rotated.

    Raises:
        Sealed: no master key, or another one than the data keys were wrapped with.
    """
    rows = await _rows(session, organization_id)
    if not rows:
        await check_ring(session, ring)
        await _add(session, ring, organization_id, 1)
        rows = await _rows(session, organization_id)
    keys = {}
    current = ""
    for row in rows:
        raw = ring.unwrap(organization_id, row.version, row.wrapped)
        current = key_id(raw)
        keys[current] = raw
    return Cipher(organization_id, keys, current)


async def sealing_cipher(session: AsyncSession, ring: KeyRing, organization_id: UUID) -> Cipher:
    """The same, to store something: until the transaction ends nobody begins a new data key.

    A rotation therefore finds every blob under the old key, also those that are stored while it begins.
    """
    await session.execute(_HOLD, {"id": str(organization_id)})
    return await organization_cipher(session, ring, organization_id)


async def add_data_key(session: AsyncSession, ring: KeyRing, organization_id: UUID) -> int:
    """Begin a new version, once whoever stores under the old one has ended; blobs follow with `Cipher.rotate`.

    Returns:
        The version. While an older one is not retired the last rotation has not ended: then it is that one's.
    """
    await session.execute(_BEGIN, {"id": str(organization_id)})
    rows = await _rows(session, organization_id)
    if len([row for row in rows if row.retired_at is None]) > 1:
        return rows[-1].version
    version = rows[-1].version + (APART if session.info.get("place") else 1) if rows else 1
    await check_ring(session, ring)
    await _add(session, ring, organization_id, version)
    return version


async def retire_data_keys(session: AsyncSession, organization_id: UUID) -> None:
    """Note that nothing that is marked is stored under older keys. They stay: one forgotten mark would lose secrets."""
    await session.execute(_RETIRE, {"id": organization_id})


async def rewrap_data_keys(session: AsyncSession, ring: KeyRing, organization_id: UUID) -> int:
    """Wrap every data key with the current master key. Returns how many changed."""
    changed = 0
    for row in await _rows(session, organization_id, lock=True):
        wrapped = ring.rewrap(organization_id, row.version, row.wrapped)
        changed += wrapped != row.wrapped
        row.wrapped = wrapped
    await session.flush()
    return changed


class Wrapping(Struct, frozen=True):
    """Of one data key: the id of the master key that wraps it, when it was made, and whether it is out of use."""

    master: str
    created_at: datetime
    retired: bool


async def wrapping(session: AsyncSession, organization_id: UUID) -> list[Wrapping]:
    """Of each data key of an organization, the oldest first; opens none."""
    return [
        Wrapping(blob_key_id(row.wrapped), row.created_at, row.retired_at is not None)
        for row in await _rows(session, organization_id)
    ]


async def ring_problem(session: AsyncSession, ring: KeyRing) -> str:
    """Why the ring opens nothing of this installation; empty when it does."""
    ids = ring.key_ids
    if not ids:
        return SEALED
    known = await known_masters(session)
    return OTHER_KEY if known and not set(ids) & set(known) else ""


async def known_masters(session: AsyncSession) -> list[str]:
    """Ids of the master keys that are this installation's."""
    return list(await get_state(session, STATE) or [])


async def check_ring(session: AsyncSession, ring: KeyRing) -> None:
    """Go on if the ring holds a master key of this installation; its first ring becomes that.

    Raises:
        Sealed: there is no key, or only others.
    """
    problem = await ring_problem(session, ring)
    if problem:
        raise Sealed(problem)
    known = await known_masters(session)
    if ring.current not in known:
        await set_state(session, STATE, [*known, ring.current])


async def _rows(session: AsyncSession, organization_id: UUID, *, lock: bool = False) -> list[DataKey]:
    query = sa.select(DataKey).where(DataKey.organization_id == organization_id).order_by(DataKey.version)
    query = query.execution_options(populate_existing=True)
    return list((await session.scalars(query.with_for_update() if lock else query)).all())


async def _add(session: AsyncSession, ring: KeyRing, organization_id: UUID, version: int) -> None:
    from sqlalchemy.dialects.postgresql import insert

    wrapped = ring.new_data_key(organization_id, version)
    row = insert(DataKey).values(organization_id=organization_id, version=version, wrapped=wrapped, created_at=now())
    await session.execute(row.on_conflict_do_nothing())  # a parallel request may have been first
