"""Maintenance: statistics every few minutes, what is old away every hour. Any number of copies; locks keep turns."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from headrace.accounts import sockets
from headrace.entitlements import alerts
from headrace.executions import retention, statistics
from headrace.files import retention as files
from headrace.infra.database import Database
from headrace.infra.store import Store
from headrace.sdk.errors import HeadraceError
from headrace.triggers import calls
from headrace.worker import books
from headrace.worker.history import History

SWEEP_S = 86_400.0
"""Between looks at everything that is stored."""

_PASSES = (HeadraceError, SQLAlchemyError, OSError)
"""What keeps one organization's house from being kept, and must not stop the scheduler."""

_log = structlog.get_logger("headrace.maintenance")


async def orphaned(database: Database, store: Store) -> list[str]:
    """Ids of executions of which objects are stored and no row is there."""
    found: list[str] = []
    async with database.transaction() as session:
        organizations = (await session.scalars(statistics.ORGANIZATIONS)).all()
    for organization_id in organizations:
        async with database.transaction(organization_id) as session:
            found += [str(one) for one in await retention.orphans(session, organization_id, store)]
    return found


class Maintenance:
    """What is done now and then for every organization, each in transactions of its own.

    Args:
        database: Of the worker role.
        store: Where frames are.
        history: Keeps the months, if this process may.
        statistics_s: Between counts.
        retention_s: Between looks for what is old.
    """

    def __init__(
        self, database: Database, store: Store, *, history: History | None = None,
        statistics_s: float = statistics.EVERY_S, retention_s: float = 3600,
    ) -> None:  # fmt: skip
        self._database, self._store, self._history = database, store, history
        self._statistics_s, self._retention_s = statistics_s, retention_s

    async def serve(self) -> None:
        """Keep house until cancelled."""
        await asyncio.gather(self._often(), self._seldom(), self._daily())

    async def _often(self) -> None:
        while True:
            await self.count()
            await self.warn()
            await self.disconnect()
            await asyncio.sleep(self._statistics_s)

    async def _seldom(self) -> None:
        while True:
            await self.keep_history()
            await self.forget()
            await asyncio.sleep(self._retention_s)
            await self.remove_old()

    async def _daily(self) -> None:
        await asyncio.sleep(self._retention_s)
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_S)

    async def count(self) -> None:
        """Refresh the statistics of every organization."""
        for organization_id in await self._organizations():
            try:
                async with self._database.transaction(organization_id) as session:
                    await statistics.refresh(session, organization_id, every_s=0.9 * self._statistics_s)
            except _PASSES as error:
                _log.warning("statistics wait", reason=str(error), organization=str(organization_id))

    async def warn(self) -> None:
        """Tell owners of soft limits that are passed."""
        try:
            async with self._database.transaction() as session:
                organizations = await alerts.organizations(session)
        except _PASSES as error:
            _log.warning("alerts wait", reason=str(error))
            return
        for organization_id in organizations:
            try:
                async with self._database.transaction(organization_id) as session:
                    told = await alerts.watch(session, organization_id)
            except _PASSES as error:
                _log.warning("alerts wait", reason=str(error), organization=str(organization_id))
                continue
            if told:
                _log.info("owners told of limits", limits=told, organization=str(organization_id))

    async def disconnect(self) -> None:
        """Close the rows of sockets whose process was killed; remove those of 30 days ago."""
        try:
            async with self._database.transaction() as session:
                closed = await sockets.keep(session)
        except _PASSES as error:
            _log.warning("sockets wait", reason=str(error))
            return
        if closed:
            _log.info("silent sockets closed", sockets=closed)

    async def keep_history(self) -> None:
        """Make the coming months; let go of what is older than details are kept."""
        if self._history is not None:
            try:
                await self._history.keep()
            except _PASSES as error:
                _log.warning("history waits", reason=str(error))

    async def forget(self) -> None:
        """Remove what the books keep no longer, where that does not go by months."""
        try:
            async with self._database.transaction() as session:
                gone = await books.forget(session, months=self._history is not None)
        except _PASSES as error:
            _log.warning("books wait", reason=str(error))
            return
        if gone:
            _log.info("books shortened", rows=gone)

    async def remove_old(self) -> int:
        """Remove executions and files beyond their retention, in batches and by turns, until the next look.

        Returns how many.
        """
        removed, until = 0, time.monotonic() + max(1.0, self._retention_s)
        left = await self._organizations()
        while left and time.monotonic() < until:
            more = []
            for organization_id in left:
                try:
                    found = await self._remove_of(organization_id)
                except _PASSES as error:
                    _log.warning("retention waits", reason=str(error), organization=str(organization_id))
                    continue
                removed += found
                if found:
                    more.append(organization_id)
            left = more
        if removed:
            _log.info("old executions and files removed", removed=removed)
        return removed

    async def sweep(self) -> int:
        """Remove stored objects of executions that there are no rows of. Returns of how many."""
        swept = 0
        for organization_id in await self._organizations():
            try:
                async with self._database.transaction(organization_id) as session:
                    swept += await retention.sweep(session, organization_id, self._store)
                    swept += await files.sweep(session, organization_id, self._store)
            except _PASSES as error:
                _log.warning("orphans stay for now", reason=str(error), organization=str(organization_id))
        if swept:
            _log.info("orphaned objects removed", executions=swept)
        return swept

    async def _remove_of(self, organization_id: UUID) -> int:
        """One batch."""
        async with self._database.transaction(organization_id) as session:
            await calls.forget_stored(session, organization_id, self._store)
            gone = await files.remove_old(session, organization_id, self._store)
            return gone + await retention.remove_old(session, organization_id, self._store)

    async def _organizations(self) -> list[UUID]:
        try:
            async with self._database.transaction() as session:
                return list((await session.scalars(statistics.ORGANIZATIONS)).all())
        except HeadraceError as error:
            _log.warning("maintenance waits", reason=error.message)
            return []
