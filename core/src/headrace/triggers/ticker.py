"""The ticker: due instants, waiting events and backfills become executions. Any number of copies; none leads.

Each trigger is taken with a row lock that others skip; its ticks, executions and next instant are one transaction.
The primary key of `trigger_ticks` is the guarantee; the clock is the database's.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.executions.leases import as_json
from headrace.executions.pending import TooManyWaiting
from headrace.infra.database import Database
from headrace.infra.homes import Moving
from headrace.infra.ids import new_id
from headrace.infra.notify import listen
from headrace.plugins.manager import Host
from headrace.sdk.errors import ConfigError, HeadraceError, TransientError
from headrace.triggers import assets, backfills, calendars, keys
from headrace.triggers import statements as sql
from headrace.triggers.assets import CHAIN_MAX
from headrace.triggers.plan import BATCH, Due, Schedule, plan, schedule_of
from headrace.triggers.starting import Prepared, Preparer, kind_of, launch, room

CHANNEL = "headrace_triggers"
AT_ONCE = 3
BUNDLE = 10
HELD_S = 0.5
BROKEN_S = 10.0
FORGET_EVERY_S = 600.0
_LOOK = sa.text(
    "SELECT EXISTS (" + sql.DUE.text + ") OR EXISTS (" + sql.WAITING.text + ") OR EXISTS (" + sql.DUE_BACKFILLS.text
    + ") OR EXISTS (" + assets.READY.text + ") AS work, (" + sql.NEXT_WAKE.text + ") AS wake_s"
)  # fmt: skip
"""Whether there is anything to do, and when there may be, in one statement."""
_log = structlog.get_logger("headrace.ticker")


class _One(NamedTuple):
    """Names a trigger."""

    organization_id: UUID
    id: UUID


class Ticker:
    """Starts what is due; woken by a notification, by the next due instant, and every `poll_s`."""

    def __init__(self, database: Database, database_url: str, host: Host, *, poll_s: float = 0.5) -> None:
        self._database = database
        self._url = database_url
        self._host = host
        self._poll_s = self._pause_s = poll_s
        self._wake = asyncio.Event()
        self._schedules: dict[tuple[str, str, str | None], Schedule] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._flows = Preparer(host)

    async def serve(self) -> None:
        """Tick until cancelled."""
        listener = asyncio.create_task(listen(self._url, (CHANNEL,), lambda *_: self._wake.set()))
        cleaner = asyncio.create_task(self._forget())
        try:
            while True:
                self._wake.clear()
                self._pause_s = self._poll_s
                try:
                    busy = await self.tick()
                except TransientError as error:
                    _log.warning("ticker waits", reason=error.message, detail=error.detail)
                    busy = 0
                if not busy:
                    await self._rest(self._pause_s)
        finally:
            listener.cancel()
            cleaner.cancel()

    async def tick(self) -> int:
        """Take everything that is due once. Returns how many executions were started."""
        async with self._database.transaction() as session:
            seen = (await session.execute(_LOOK, {"patience": assets.PATIENCE})).one()
            if seen.wake_s is not None:
                self._pause_s = min(self._poll_s, max(0.01, float(seen.wake_s)))
            if not seen.work:
                return 0
            due = (await session.execute(sql.DUE)).all()
            waiting = (await session.execute(sql.WAITING)).all()
            slices = (await session.execute(sql.DUE_BACKFILLS)).all()
            written = (await session.execute(assets.READY, {"patience": assets.PATIENCE})).all()
        work = [self._fire_some(organization_id, ids) for organization_id, ids in _bundled(due)]
        work += [self._guarded(self._settle, row) for row in waiting]
        work += [self._guarded(self._fill, row) for row in slices]
        work += [self._guarded(self._follow, row) for row in written]
        return sum(await asyncio.gather(*work))

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _guarded(self, step: Callable[[AsyncSession, dict[str, Any]], Awaitable[int]], row: Any) -> int:
        """One trigger in one transaction; one that fails for a reason of its own does not stop the others."""
        key = {"organization_id": row.organization_id, "id": row.id}
        async with self._gate:
            try:
                async with self._database.transaction(row.organization_id) as session:
                    return await step(session, key)
            except Moving:
                return 0
            except TransientError:
                raise
            except Exception as error:
                _log.exception("a trigger cannot be served", trigger=str(row.id))
                said = error.message if isinstance(error, HeadraceError) else f"internal error: {type(error).__name__}"
                async with self._database.transaction(row.organization_id) as session:
                    await session.execute(sql.POSTPONE, {**key, "seconds": BROKEN_S, "error": said})
                return 0

    async def _fire_some(self, organization_id: UUID, ids: list[UUID]) -> int:
        """Several schedules of one organization in one transaction; one that fails is then taken alone."""
        if len(ids) > 1:
            try:
                async with self._gate, self._database.transaction(organization_id) as session:
                    return await self._fire(session, {"organization_id": organization_id, "ids": ids})
            except Moving:
                return 0
            except TransientError:
                raise
            except Exception as error:
                _log.warning("a schedule fails; each is taken alone", reason=type(error).__name__)
        alone = [_One(organization_id, found) for found in ids]
        return sum([await self._guarded(self._fire, one) for one in alone])

    async def _fire(self, session: AsyncSession, key: dict[str, Any]) -> int:
        """Ticks of schedules that nobody else has taken."""
        ids = key.get("ids") or [key["id"]]
        where = {"organization_id": key["organization_id"], "ids": ids}
        rows = (await session.execute(sql.TAKE_DUE, where)).all()
        return sum([await self._fire_one(session, row) for row in rows])

    async def _fire_one(self, session: AsyncSession, row: Any) -> int:
        key = {"organization_id": row.organization_id, "id": row.id}
        schedule = await self._schedule(session, row)
        if row.next_fire_at is None:
            await self._advance(session, key, schedule.next_fire(row.now), covered=row.now)
            return 0
        limit = await room(session, row.organization_id, row.id, row.max_pending, BATCH)
        if limit == 0:
            await session.execute(sql.POSTPONE, {**key, "seconds": HELD_S, "error": None})
            return 0
        covered = _covered(row)
        due, following = plan(
            schedule.next_fire, row.next_fire_at, row.now, misfire=row.misfire, grace_s=row.grace_s, covered=covered,
            limit=limit,
        )  # fmt: skip
        return await self._start_all(session, key, row, due, following)

    async def _start_all(
        self, session: AsyncSession, key: dict[str, Any], row: Any, due: list[Due], following: Any
    ) -> int:
        prepared: Prepared | None = None
        problem, execution_id, started, beyond = None, None, 0, 0
        for tick in due:
            outcome = "started" if tick.starts else "skipped"
            where = {**key, "fire_at": tick.fire_at}
            fresh = await session.scalar(sql.TICK, {**where, "outcome": outcome, "missed": tick.missed})
            if fresh is None or not tick.starts:
                continue
            try:
                prepared = prepared or await self._flows.get(session, row.organization_id, row.flow_id, row.variables)
                given, wanted = _due_input(row, tick), new_id()
                start = partial(
                    launch, session, self._host, prepared, trigger_type=kind_of(self._host.registry, row), key=None,
                    priority=row.priority, input_data=given, details={"trigger_id": str(row.id)},
                    interval=(tick.covers_from, tick.fire_at), execution_id=wanted,
                )  # fmt: skip
                made = await keys.once(session, row, given, start, origin=tick.fire_at.isoformat())
                if made.execution_id == wanted:
                    execution_id, started = wanted, started + 1
                    said = {"execution_id": wanted, "outcome": "started", "error": None}
                elif made.duplicate:
                    said = {"execution_id": made.execution_id, "outcome": "duplicate", "error": None}
                else:
                    told = f"{made.execution_id} waits and stands for this one"
                    said = {"execution_id": None, "outcome": "skipped", "error": told}
            except TransientError:
                raise
            except TooManyWaiting as full:
                said = {"execution_id": None, "outcome": "skipped", "error": full.message}
            except HeadraceError as error:
                problem = error.message
                said = {"execution_id": None, "outcome": "failed", "error": problem}
                _log.warning("a due flow could not start", trigger=str(row.id), reason=problem)
            await session.execute(sql.TICK_STARTED, {**where, **said})
            beyond += said["outcome"] == "skipped"
        await self._advance(
            session, key, following, covered=due[-1].fire_at, fired_at=due[-1].fire_at if started else None,
            execution_id=execution_id, missed=beyond + sum(t.missed + (not t.starts) for t in due),
            error=problem,
        )  # fmt: skip
        return started

    @staticmethod
    async def _advance(
        session: AsyncSession, key: dict[str, Any], following: Any, *, covered: Any, fired_at: Any = None,
        execution_id: UUID | None = None, missed: int = 0, error: str | None = None,
    ) -> None:  # fmt: skip
        state = as_json({"covered_until": covered})
        await session.execute(
            sql.ADVANCE,
            {**key, "next_fire_at": following, "state": state, "fired_at": fired_at, "execution_id": execution_id,
             "missed": missed, "error": error},
        )  # fmt: skip

    async def _schedule(self, session: AsyncSession, row: Any) -> Schedule:
        calendar = None
        if row.configuration.get("calendar_id"):
            _, calendar = await calendars.rules_of(session, row.organization_id, row.configuration["calendar_id"])
        name = (row.type, as_json(row.configuration), repr(calendar) if calendar else None)
        if name not in self._schedules:
            if len(self._schedules) > 10_000:
                self._schedules.clear()
            self._schedules[name] = schedule_of(self._host.registry.trigger(row.type), row.configuration, calendar)
        return self._schedules[name]

    async def _settle(self, session: AsyncSession, key: dict[str, Any]) -> int:
        """Start what events of one trigger wait for, oldest first."""
        row = (await session.execute(sql.TAKE, key)).one_or_none()
        if row is None:
            return 0
        limit = await room(session, row.organization_id, row.id, row.max_pending, BATCH)
        found = (await session.execute(sql.PENDING, {**key, "limit": limit})).all() if limit else []
        prepared: Prepared | None = None
        started = 0
        for event in found:
            execution_id, problem, status = None, None, "started"
            chain = int(event.payload.get("chain", 0))
            try:
                if chain > CHAIN_MAX:
                    raise ConfigError(f"more than {CHAIN_MAX} flows started each other; break the ring of triggers")
                prepared = prepared or await self._flows.get(session, row.organization_id, row.flow_id, row.variables)
                details = {
                    "trigger_id": str(row.id),
                    "event_key": event.event_key,
                    "chain": chain,
                }
                given = _event_input(row, event)
                start = partial(
                    launch, session, self._host, prepared, trigger_type=kind_of(self._host.registry, row), key=None,
                    priority=row.priority, input_data=given, details=details,
                )  # fmt: skip
                made = await keys.once(session, row, given, start, origin=event.event_key)
                execution_id, started = made.execution_id, started + (not made.duplicate)
                status = "duplicate" if made.duplicate else "started"
            except TransientError:
                raise
            except TooManyWaiting:
                break  # it waits itself
            except HeadraceError as error:
                problem, status = error.message, "failed"
                _log.warning("an event could not start its flow", trigger=str(row.id), reason=problem)
            said = {"status": status, "execution_id": execution_id, "error": problem}
            await session.execute(sql.SETTLE_EVENT, {**key, "event_key": event.event_key, **said})
            await session.execute(sql.FIRED, {**key, "execution_id": execution_id, "error": problem})
        return started

    async def _fill(self, session: AsyncSession, key: dict[str, Any]) -> int:
        return await backfills.advance(session, self._host, key)

    async def _follow(self, session: AsyncSession, key: dict[str, Any]) -> int:
        return await assets.fire(session, self._flows, key)

    async def _forget(self) -> None:
        """Drop what is older than it must be kept."""
        while True:
            try:
                for statement in sql.FORGET:
                    await self._shorten(statement)
            except HeadraceError as error:
                _log.warning("old ticks and calls stay for now", reason=error.message)
            await asyncio.sleep(FORGET_EVERY_S)

    async def _shorten(self, statement: sa.TextClause) -> None:
        """One batch a transaction, so that nobody waits for long."""
        gone = sql.FORGET_BATCH
        while gone == sql.FORGET_BATCH:
            async with self._database.transaction() as session:
                found = await session.execute(statement, {"limit": sql.FORGET_BATCH})
                gone = found.rowcount  # type: ignore[attr-defined]


def _bundled(due: Sequence[Any]) -> list[tuple[UUID, list[UUID]]]:
    """Due schedules by organization, a few at a time, in an order of this process's own: copies rarely meet."""
    by_organization: dict[UUID, list[UUID]] = {}
    for row in due:
        by_organization.setdefault(row.organization_id, []).append(row.id)
    bundles = [
        (organization_id, ids[start : start + BUNDLE])
        for organization_id, ids in by_organization.items()
        for start in range(0, len(ids), BUNDLE)
    ]
    random.shuffle(bundles)
    return bundles


def _covered(row: Any) -> Any:
    text = row.state.get("covered_until")
    return datetime.fromisoformat(text) if text else row.next_fire_at


def _due_input(row: Any, tick: Due) -> dict[str, Any]:
    one = {"scheduled_at": tick.fire_at, "interval_start": tick.covers_from, "interval_end": tick.fire_at}
    return {"rows": [one], "trigger": {"id": row.id, "type": row.type, "name": row.name, "missed": tick.missed}}


def _event_input(row: Any, event: Any) -> dict[str, Any]:
    payload = dict(event.payload)
    if row.mode == "flow":
        payload.pop("chain", None)
        payload = {"rows": [payload]}
    return {**payload, "trigger": {"id": row.id, "type": row.type, "name": row.name, "event": event.event_key}}
