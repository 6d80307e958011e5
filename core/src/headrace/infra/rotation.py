"""Rotation of keys while everything works: small transactions, each complete in itself, so that it resumes anywhere.

What is left to do is seen in the blobs themselves (each names its key), so nothing is noted that could be wrong after a
kill. The database is the worker's: it sees which organizations have keys.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.infra.clock import now
from headrace.infra.crypto import Cipher, KeyRing, Undecryptable
from headrace.infra.database import Database
from headrace.infra.datakeys import (
    STATE,
    add_data_key,
    check_ring,
    organization_cipher,
    retire_data_keys,
    rewrap_data_keys,
    wrapping,
)
from headrace.infra.sealed import SealedColumn, sealed_columns
from headrace.infra.states import get_state, set_state

BATCH_ROWS = 100
_ORGANIZATIONS = sa.text("SELECT DISTINCT organization_id FROM data_keys ORDER BY 1")
_USERS = sa.text("SELECT id FROM users ORDER BY id")
_NOBODY = UUID(int=0)
_BEGAN = "data_keys_rotation"
"""The fact that holds when the rotation of all data keys began, while one has not ended."""


class Moved(Struct):
    """What a rotation came to.

    Attributes:
        keys: Data keys that another master key wraps now, or that were begun.
        blobs: Stored secrets that are under another key now.
        broken: Places of those that do not open under any key, as `table/row`; they stay as they are.
    """

    keys: int = 0
    blobs: int = 0
    broken: list[str] = []


class Rotator:
    """Rotates the keys of an installation.

    Args:
        database: Of the worker role.
        ring: The master keys; the first is the one to rotate to.
        batch_rows: Blobs of one transaction.
        rest_s: Pause between transactions.
    """

    def __init__(self, database: Database, ring: KeyRing, *, batch_rows: int = BATCH_ROWS, rest_s: float = 0.0) -> None:
        self.database, self.ring = database, ring
        self._batch_rows, self._rest_s = batch_rows, rest_s
        self._columns: list[SealedColumn] = []

    async def master(self) -> Moved:
        """Wrap every data key, and encrypt what belongs to persons, with the first master key of the ring.

        Afterwards the ring may lose its other keys.

        Raises:
            Sealed: the ring lacks a key that something is still wrapped with.
        """
        moved = Moved()
        async with self.database.transaction() as session:
            await check_ring(session, self.ring)
        while True:
            before = moved.keys + moved.blobs
            for organization_id in await self.organizations():
                async with self.database.transaction(organization_id, here=True) as session:
                    moved.keys += await rewrap_data_keys(session, self.ring, organization_id)
                await asyncio.sleep(self._rest_s)
            for column in await self.marked(personal=True):
                for user_id in await self._ids(_USERS):
                    await self._column(column, moved, user_id=user_id)
            if moved.keys + moved.blobs == before:  # a process with the older key may have added some meanwhile
                break
        async with self.database.transaction() as session:
            await set_state(session, STATE, [self.ring.current])
        return moved

    async def data(self, organization_id: UUID) -> Moved:
        """Begin a new data key, or go on where the last rotation was ended, and encrypt everything with it.

        Raises:
            Sealed: the master key is missing.
        """
        moved = Moved()
        async with self.database.transaction(organization_id, here=True) as session:
            if not await wrapping(session, organization_id):
                return moved
            await add_data_key(session, self.ring, organization_id)
            moved.keys = 1
        for column in await self.marked(personal=False):
            await self._column(column, moved, organization_id=organization_id)
        async with self.database.transaction(organization_id, here=True) as session:
            await retire_data_keys(session, organization_id)
        return moved

    async def all_data(self) -> Moved:
        """The same for every organization; after a kill those that had ended before it are left alone.

        Raises:
            Sealed: the master key is missing.
        """
        total = Moved()
        async with self.database.transaction() as session:
            began = await get_state(session, _BEGAN)
            if began is None:
                began = now().isoformat()
                await set_state(session, _BEGAN, began)
        for organization_id in await self.organizations():
            async with self.database.transaction(organization_id, here=True) as session:
                keys = await wrapping(session, organization_id)
            if keys[-1].created_at >= datetime.fromisoformat(began) and sum(not one.retired for one in keys) == 1:
                continue
            moved = await self.data(organization_id)
            total.keys, total.blobs = total.keys + moved.keys, total.blobs + moved.blobs
            total.broken += moved.broken
        async with self.database.transaction() as session:
            await set_state(session, _BEGAN, None)
        return total

    async def organizations(self) -> list[UUID]:
        """Those that have data keys."""
        return await self._ids(_ORGANIZATIONS)

    async def _ids(self, statement: sa.TextClause) -> list[UUID]:
        async with self.database.transaction() as session:
            return list((await session.scalars(statement)).all())

    async def marked(self, *, personal: bool) -> list[SealedColumn]:
        """Columns of blobs."""
        if not self._columns:
            async with self.database.transaction() as session:
                self._columns = await sealed_columns(session)
        return [column for column in self._columns if column.personal == personal]

    async def _column(
        self, column: SealedColumn, moved: Moved, *, organization_id: UUID | None = None, user_id: UUID | None = None
    ) -> None:
        """Everything of one owner in one column, in the order of its rows."""
        owner, last, found = organization_id or user_id or _NOBODY, _NOBODY, self._batch_rows
        while found == self._batch_rows:
            async with self.database.transaction(organization_id, user_id=user_id, here=True) as session:
                cipher = await self._cipher(session, organization_id)
                rows = (await session.execute(column.left(owner, cipher.current, last, self._batch_rows))).all()
                for row in rows:
                    try:
                        blob = column.moved(cipher, row.key, row.blob)
                    except Undecryptable:
                        moved.broken.append(f"{column.table}/{row.key}")
                        continue
                    await session.execute(column.store(owner, row.key, blob))
                    moved.blobs += 1
                found, last = len(rows), rows[-1].key if rows else last
            await asyncio.sleep(self._rest_s if found else 0)

    async def _cipher(self, session: AsyncSession, organization_id: UUID | None) -> Cipher:
        if organization_id is None:
            return self.ring.personal_cipher()
        return await organization_cipher(session, self.ring, organization_id)


class Standing(Struct, kw_only=True):
    """How the keys stand.

    Attributes:
        wrapped: Data keys by the id of the master key that wraps them.
        blobs: Stored secrets of organizations by table and column.
        behind: Those of them under another data key than the newest, or under none that is known.
        unfinished: Organizations whose rotation was begun and not ended.
    """

    organizations: int = 0
    wrapped: dict[str, int] = {}
    blobs: dict[str, int] = {}
    behind: int = 0
    unfinished: int = 0


async def standing(rotator: Rotator) -> Standing:
    """Count. Reads the key id of every blob, and opens none."""
    found = Standing()
    ring = rotator.ring
    for organization_id in await rotator.organizations():
        async with rotator.database.transaction(organization_id, here=True) as session:
            found.organizations += 1
            wrapped = await wrapping(session, organization_id)
            for one in wrapped:
                found.wrapped[one.master] = found.wrapped.get(one.master, 0) + 1
            found.unfinished += sum(not one.retired for one in wrapped) > 1
            current = (await organization_cipher(session, ring, organization_id)).current if wrapped else ""
            for column in await rotator.marked(personal=False):
                for kid, count in (await session.execute(column.by_key(organization_id))).all():
                    found.blobs[column.place] = found.blobs.get(column.place, 0) + count
                    found.behind += count if kid != current else 0
    return found
