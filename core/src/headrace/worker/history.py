"""Keep history by months: make the next ones, let go of details, drop what is wholly past. Any number of copies.

It works as the role that owns the tables, and only where its address is known (`HEADRACE_DATABASE_OWNER_URL`);
elsewhere `headrace migrate` makes months, and `headrace doctor` tells when they run out.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

import structlog

from headrace.executions import compaction, statistics
from headrace.infra import partitions
from headrace.infra.clock import now
from headrace.infra.database import Database
from headrace.worker import books

ROUNDS = 100
"""Batches of one organization at a time."""
SKEW_DAYS = 1
"""After its end a month may still get executions from a machine whose clock is slow."""
OF_EXECUTIONS = (*compaction.DETAILS, "node_executions")
_log = structlog.get_logger("headrace.history")


class History:
    """Months of the growing tables.

    Args:
        database: Of the owner role.
        everybody: Of the worker role, which sees what executions there are, whosever they are.
    """

    def __init__(self, database: Database, everybody: Database) -> None:
        self._database, self._everybody = database, everybody

    async def keep(self) -> None:
        """One round: new months, whole months away, then what is due earlier.

        Raises:
            HeadraceError: the database is away, or somebody holds a table for long; try again later.
        """
        tables = await self._prepare()
        async with self._everybody.transaction() as session:
            organizations = (await session.scalars(statistics.ORGANIZATIONS)).all()
        days = {one: await self._days(one) for one in organizations}
        longest = max(days.values(), default=compaction.DEFAULT_DAYS)
        known = sorted({month for name in OF_EXECUTIONS for month in tables[name]})
        past = [month for month in known if compaction.due_at(month, SKEW_DAYS) <= now()]
        for month in past:
            if now() >= compaction.due_at(month, longest) and not await self._needed(days, month):
                await self._mark(days, month)
                await self._drop(compaction.DETAILS, month, tables)
            if not await self._present(days, month):
                await self._drop(OF_EXECUTIONS, month, tables)
        async with self._everybody.transaction() as session:
            gone = await books.due(session, tables)
        for table, month in gone:
            await self._drop([table], month, tables)
        whole = [month for month in known if compaction.due_at(month, longest) > now()]
        for organization_id, kept in days.items():
            await self._compact(organization_id, kept, whole if kept == longest else [])

    async def _prepare(self) -> dict[str, tuple[date, ...]]:
        async with self._database.transaction() as session:
            connection = await session.connection()
            made = await connection.run_sync(partitions.prepare)
            tables = await connection.run_sync(partitions.tables)
        if made:
            _log.info("months made", partitions=made)
        return {table.name: table.months for table in tables}

    async def _days(self, organization_id: UUID) -> float:
        async with self._database.transaction(organization_id) as session:
            return await compaction.days_of(session, organization_id)

    async def _needed(self, days: dict[UUID, float], month: date) -> bool:
        for organization_id, kept in days.items():
            async with self._database.transaction(organization_id) as session:
                if await compaction.needed(session, organization_id, kept, month):
                    return True
        return False

    async def _present(self, days: dict[UUID, float], month: date) -> bool:
        for organization_id in days:
            async with self._database.transaction(organization_id) as session:
                if await compaction.present(session, organization_id, month):
                    return True
        return False

    async def _mark(self, days: dict[UUID, float], month: date) -> None:
        for organization_id in days:
            marked = compaction.BATCH
            while marked == compaction.BATCH:
                async with self._database.transaction(organization_id) as session:
                    marked = await compaction.mark(session, organization_id, month)

    async def _drop(self, names: Iterable[str], month: date, tables: dict[str, tuple[date, ...]]) -> None:
        for name in names:
            if month in tables[name]:
                async with self._database.transaction() as session:
                    await (await session.connection()).run_sync(partitions.drop, name, month)
                _log.info("month dropped", partition=partitions.partition(name, month))

    async def _compact(self, organization_id: UUID, days: float, waiting: list[date]) -> None:
        gone = 0
        for _ in range(ROUNDS):
            async with self._database.transaction(organization_id) as session:
                found = await compaction.compact(session, organization_id, days, waiting)
            gone += found
            if found < compaction.BATCH:
                break
        if gone:
            _log.info("details removed", executions=gone, organization=str(organization_id))
