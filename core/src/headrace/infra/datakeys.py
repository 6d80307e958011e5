"""Data keys in the database: one ring of versions per organization, wrapped by the master key."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.clock import now
from headrace.infra.crypto import Cipher, KeyRing, key_id
from headrace.infra.models import Base


class DataKey(Base):
    """One version of an organization's data key; the highest encrypts."""

    __tablename__ = "data_keys"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wrapped: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now, server_default=sa.func.now())


async def organization_cipher(session: AsyncSession, ring: KeyRing, organization_id: UUID) -> Cipher:
    """The cipher of an organization; its first data key is made here. The session must be of that organization.

    Raises:
        Sealed: no master key, or another one than the data keys were wrapped with.
    """
    rows = await _rows(session, organization_id)
    if not rows:
        await _add(session, ring, organization_id, 1)
        rows = await _rows(session, organization_id)
    keys = {}
    current = ""
    for row in rows:
        raw = ring.unwrap(organization_id, row.version, row.wrapped)
        current = key_id(raw)
        keys[current] = raw
    return Cipher(organization_id, keys, current)


async def add_data_key(session: AsyncSession, ring: KeyRing, organization_id: UUID) -> int:
    """Begin a new version; blobs follow with `Cipher.rotate`. Returns the version."""
    rows = await _rows(session, organization_id)
    version = rows[-1].version + 1 if rows else 1
    await _add(session, ring, organization_id, version)
    return version


async def rewrap_data_keys(session: AsyncSession, ring: KeyRing, organization_id: UUID) -> int:
    """Wrap every data key with the current master key. Returns how many changed."""
    changed = 0
    for row in await _rows(session, organization_id):
        wrapped = ring.rewrap(organization_id, row.version, row.wrapped)
        changed += wrapped != row.wrapped
        row.wrapped = wrapped
    await session.flush()
    return changed


async def _rows(session: AsyncSession, organization_id: UUID) -> list[DataKey]:
    query = sa.select(DataKey).where(DataKey.organization_id == organization_id).order_by(DataKey.version)
    return list((await session.scalars(query)).all())


async def _add(session: AsyncSession, ring: KeyRing, organization_id: UUID, version: int) -> None:
    from sqlalchemy.dialects.postgresql import insert

    wrapped = ring.new_data_key(organization_id, version)
    row = insert(DataKey).values(organization_id=organization_id, version=version, wrapped=wrapped, created_at=now())
    await session.execute(row.on_conflict_do_nothing())  # a parallel request may have been first
