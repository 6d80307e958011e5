"""Maintenance: statistics every few minutes, old executions away every hour. Any number of copies; locks keep turns."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from headrace.executions import retention, statistics
from headrace.infra.database import Database
from headrace.infra.store import Store
from headrace.sdk.errors import HeadraceError

ROUNDS = 5
"""Batches of old executions that one organization gives up at a time."""

_PASSES = (HeadraceError, SQLAlchemyError, OSError)
"""What keeps one organization's house from being kept, and must not stop the scheduler."""

_log = structlog.get_logger("headrace.maintenance")


class Maintenance:
    """What is done now and then for every organization, each in transactions of its own."""

    def __init__(
        self, database: Database, store: Store, *, statistics_s: float = statistics.EVERY_S, retention_s: float = 3600
    ) -> None:
        self._database, self._store = database, store
        self._statistics_s, self._retention_s = statistics_s, retention_s

    async def serve(self) -> None:
        """Keep house until cancelled."""
        await asyncio.gather(self._often(), self._seldom())

    async def _often(self) -> None:
        while True:
            await self.count()
            await asyncio.sleep(self._statistics_s)

    async def _seldom(self) -> None:
        while True:
            await asyncio.sleep(self._retention_s)
            await self.remove_old()

    async def count(self) -> None:
        """Refresh the statistics of every organization."""
        for organization_id in await self._organizations():
            try:
                async with self._database.transaction(organization_id) as session:
                    await statistics.refresh(session, organization_id, every_s=0.9 * self._statistics_s)
            except _PASSES as error:
                _log.warning("statistics wait", reason=str(error), organization=str(organization_id))

    async def remove_old(self) -> int:
        """Remove executions beyond their retention, a bounded number for each organization. Returns how many."""
        removed = 0
        for organization_id in await self._organizations():
            try:
                removed += await self._remove_of(organization_id)
            except _PASSES as error:
                _log.warning("retention waits", reason=str(error), organization=str(organization_id))
        if removed:
            _log.info("old executions removed", executions=removed)
        return removed

    async def _remove_of(self, organization_id: UUID) -> int:
        removed = 0
        for _ in range(ROUNDS):
            async with self._database.transaction(organization_id) as session:
                found = await retention.remove_old(session, organization_id, self._store)
            removed += found
            if not found:
                break
        return removed

    async def _organizations(self) -> list[UUID]:
        try:
            async with self._database.transaction() as session:
                return list((await session.scalars(statistics.ORGANIZATIONS)).all())
        except HeadraceError as error:
            _log.warning("maintenance waits", reason=error.message)
            return []
