"""Read replicas of the shared server: standbys that answer what is only read, as long as they have seen what matters.

A standby has every database of its server, those of organizations too, and one log for all of them.

A replica is asked only when it has everything that was committed before some instant (`fresh`), and nothing of the
organization has changed since. Both instants are of Redis' clock, the one that all processes share: who changes
something marks its organization there once that is committed, and each look at a replica takes the time first, then
the primary's place in the log, then the replica's. Without Redis, or without a replica that is fresh, the primary
answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.infra.bus import CHANGED, CHANGED_S, MARK
from headrace.infra.database import Database
from headrace.infra.homes import Moving, Unserved
from headrace.sdk.errors import HeadraceError, TransientError

LOOK_S = 0.25
LAG_MAX_S = 5.0
"""A replica that is further behind is not asked, though nothing is known to have changed."""
ANSWER_S = 2.0
_PLACE = sa.text("SELECT CAST(pg_current_wal_insert_lsn() AS text)")
_SEEN = sa.text("SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= CAST(:place AS pg_lsn)")
_log = structlog.get_logger("headrace.replicas")


class Replica:
    """One standby.

    Attributes:
        fresh: Instant of which everything before is there, in seconds of Redis' clock; 0 while it is away.
    """

    def __init__(self, database: Database, name: str) -> None:
        self.database, self.name, self.fresh = database, name, 0.0
        self.answers = True


class Replicas:
    """The replicas of a process, asked in turn.

    Args:
        urls: Of the standbys, for the application's role; none: everything is answered by the primary.
        primary: Whose standbys they are.
        redis: The clock, and where changes are marked.
        pool_size: Connections kept open to each.
        objects_url: The object store that keeps what is too large for a row.

    Attributes:
        answered: How many transactions each replica, and the `primary`, has had.
    """

    def __init__(
        self, urls: Sequence[str], primary: Database, redis: Redis, *, pool_size: int = 10, objects_url: str = ""
    ) -> None:
        self._primary, self._redis, self._turn = primary, redis, 0
        self._mark: Any = redis.register_script(MARK)
        self.each = [Replica(_opened(url, pool_size, objects_url), _place_of(url)) for url in urls]
        self.answered: Counter[str] = Counter()
        self._now = self._blind_until = 0.0

    async def serve(self) -> None:
        """Look at them until cancelled."""
        while self.each:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """How fresh each is now."""
        try:
            async with asyncio.timeout(ANSWER_S):
                seconds, micros = await self._redis.time()
                async with self._primary.transaction() as session:
                    place = await session.scalar(_PLACE)
        except (HeadraceError, RedisError, OSError, TimeoutError):
            for replica in self.each:
                replica.fresh = 0.0
            return
        self._now = seconds + micros / 1_000_000
        await asyncio.gather(*(self._look_at(replica, str(place), self._now) for replica in self.each))

    async def _look_at(self, replica: Replica, place: str, at: float) -> None:
        try:
            async with asyncio.timeout(ANSWER_S), replica.database.transaction() as session:
                if await session.scalar(_SEEN, {"place": place}):
                    replica.fresh = at
                answers = True
        except (HeadraceError, OSError, TimeoutError) as error:
            replica.fresh, answers = 0.0, False
            if replica.answers:
                _log.warning("a read replica does not answer; the primary does", replica=replica.name,
                             reason=type(error).__name__)  # fmt: skip
        if answers and not replica.answers:
            _log.info("a read replica answers again", replica=replica.name)
        replica.answers = answers

    async def changed(self, organization_id: UUID) -> None:
        """Remember that something of the organization has changed; call it once that is committed."""
        if self.each:
            try:
                await self._mark(keys=[f"{CHANGED}:{organization_id}"], args=[CHANGED_S * 1000])
            except (RedisError, OSError):
                self._blind_until = time.monotonic() + LAG_MAX_S

    async def of(self, organization_id: UUID) -> Replica | None:
        """A replica that has all that is committed of the organization; None: ask the primary."""
        fresh = [one for one in self.each if one.fresh and one.fresh > self._now - LAG_MAX_S]
        if not fresh or time.monotonic() < self._blind_until:
            return None
        try:
            marked: Any = await self._redis.get(f"{CHANGED}:{organization_id}")
        except (RedisError, OSError):
            return None
        since = int(marked) / 1_000_000 if marked else 0.0
        fresh = [one for one in fresh if one.fresh > since]
        self._turn += 1
        return fresh[self._turn % len(fresh)] if fresh else None

    @asynccontextmanager
    async def reading(self, organization_id: UUID, user_id: UUID | None) -> AsyncIterator[AsyncSession]:
        """A transaction that only reads: at a replica that is fresh, else where the organization lives.

        Raises:
            TransientError: the database is away.
        """
        async with contextlib.AsyncExitStack() as stack:
            yield await self._begun(stack, organization_id, user_id)

    async def _begun(
        self, stack: contextlib.AsyncExitStack, organization_id: UUID, user_id: UUID | None
    ) -> AsyncSession:
        replica = await self.of(organization_id)
        if replica is not None:
            try:
                async with contextlib.AsyncExitStack() as trial:
                    unit = replica.database.transaction(organization_id, user_id=user_id)
                    session = await trial.enter_async_context(unit)
                    await session.connection()
                    stack.push_async_exit(trial.pop_all().__aexit__)
                    self.answered[replica.name] += 1
                    return session
            except (Moving, Unserved):  # on its way, or on a server of which this is no copy
                pass
            except TransientError:
                replica.fresh = 0.0
        self.answered["primary"] += 1
        return await stack.enter_async_context(self._primary.transaction(organization_id, user_id=user_id))

    async def check(self) -> None:
        """For health.

        Raises:
            HeadraceError: one is away, or too far behind.
        """
        late = [one.name for one in self.each if not one.fresh or one.fresh <= self._now - LAG_MAX_S]
        if late:
            raise HeadraceError(f"the read replica {', '.join(late)} is away or too far behind; the primary answers")

    async def close(self) -> None:
        """Close every connection."""
        for replica in self.each:
            await replica.database.close()


def _opened(url: str, pool_size: int, objects_url: str) -> Database:
    return Database.from_url(url, pool_size=pool_size, name="headrace-replica", objects_url=objects_url)


def _place_of(url: str) -> str:
    parsed = sa.make_url(url)
    return f"{parsed.host}:{parsed.port or 5432}"
