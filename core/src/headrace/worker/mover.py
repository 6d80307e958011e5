"""Carries on moves of organizations and keeps the copies of their accounts right; each move is held by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
import structlog

from headrace.infra.database import Database
from headrace.infra.mirror import mirror_quietly
from headrace.infra.moving import Mover
from headrace.sdk.errors import HeadraceError
from headrace.sdk.manifests import MigrationBranch

POLL_S = 1.0
MIRROR_S = 10.0
_THERE = sa.text("SELECT id, place FROM homes WHERE state = 'there' AND step = 'done'")
_DUE = sa.text("SELECT EXISTS (SELECT 1 FROM homes WHERE step <> 'done')")
_log = structlog.get_logger("headrace.mover")


class Moves:
    """The scheduler's part.

    Args:
        database: The shared one.
        owner_url: The same, for the role that owns the tables.
        branches: Of the plugins.
        servers: Where else databases may be: HEADRACE_DATABASE_SERVERS.
    """

    def __init__(
        self, database: Database, owner_url: str, branches: Iterable[MigrationBranch], servers: Sequence[str] = ()
    ) -> None:
        self._database, self._url, self._servers = database, owner_url, servers
        self._mover = Mover(owner_url, branches, servers)
        self._mirrored = 0.0

    async def serve(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.step()
                if time.monotonic() - self._mirrored > MIRROR_S:
                    self._mirrored = time.monotonic()
                    await self._mirror_all()
            except HeadraceError as error:
                _log.warning("moves wait", reason=error.message, detail=error.detail)
            await asyncio.sleep(POLL_S)

    async def step(self) -> None:
        """Carry on every move as far as it goes."""
        async with self._database.transaction() as session:
            due = await session.scalar(_DUE)
        if due:
            await asyncio.to_thread(self._mover.carry_on_all)

    async def _mirror_all(self) -> None:
        async with self._database.transaction() as session:
            rows = (await session.execute(_THERE)).all()
        for row in rows:
            await mirror_quietly(self._url, self._servers, row.id, row.place)
