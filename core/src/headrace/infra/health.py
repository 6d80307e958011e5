"""Health: live needs nothing, ready asks the database, Redis and the object store, each with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import sqlalchemy as sa
from msgspec import Struct

from headrace.infra import partitions
from headrace.infra.crypto import KeyRing
from headrace.infra.database import Database
from headrace.infra.datakeys import ring_problem
from headrace.infra.roles import POWERS, powerful
from headrace.infra.store import Store
from headrace.sdk.errors import HeadraceError

Check: TypeAlias = Callable[[], Awaitable[None]]

_DEADLINE_S = 2.0


class CheckResult(Struct, frozen=True):
    """One check: its sentence never holds a driver's text."""

    name: str
    ok: bool
    ms: float
    message: str = ""


async def run_checks(checks: Mapping[str, Check], *, deadline_s: float = _DEADLINE_S) -> list[CheckResult]:
    """Ask all at once."""
    return list(await asyncio.gather(*(_one(name, check, deadline_s) for name, check in checks.items())))


async def _one(name: str, check: Check, deadline_s: float) -> CheckResult:
    started = time.perf_counter()
    message = ""
    try:
        async with asyncio.timeout(deadline_s):
            await check()
    except TimeoutError:
        message = f"{name} does not answer within {deadline_s:g} s"
    except HeadraceError as error:
        message = error.message
    except Exception as error:
        message = f"{name} does not answer ({type(error).__name__})"
    return CheckResult(name, not message, round((time.perf_counter() - started) * 1000, 1), message)


def database_check(database: Database) -> Check:
    """A statement gets through."""

    async def check() -> None:
        async with database.transaction() as session:
            await session.execute(sa.text("select 1"))

    return check


def role_check(database: Database) -> Check:
    """Row-level security holds the role that serves."""

    async def check() -> None:
        async with database.transaction() as session:
            role, powers = (await session.execute(sa.text(POWERS))).one()
        if powers:
            raise HeadraceError(powerful("the database", role, powers))

    return check


def migrations_check(database: Database, heads: tuple[str, ...]) -> Check:
    """The database is at the revisions this installation knows."""

    async def check() -> None:
        async with database.transaction() as session:
            found = set((await session.scalars(sa.text("select version_num from alembic_version"))).all())
        if not set(heads) <= found:
            raise HeadraceError("the database is not migrated; call `headrace migrate`")

    return check


def keys_check(database: Database, ring: KeyRing) -> Check:
    """Secrets can be opened: the system is not sealed."""

    async def check() -> None:
        async with database.transaction() as session:
            problem = await ring_problem(session, ring)
        if problem:
            raise HeadraceError(problem)

    return check


def months_check(database: Database) -> Check:
    """Growing tables have partitions for the coming months, and nothing lies outside of them."""

    async def check() -> None:
        async with database.transaction() as session:
            found = await (await session.connection()).run_sync(partitions.problems)
        if found:
            raise HeadraceError("; ".join(found))

    return check


def redis_check(url: str) -> Check:
    """A ping gets through."""

    async def check() -> None:
        from redis.asyncio import Redis

        async with Redis.from_url(url, socket_timeout=_DEADLINE_S) as client:
            await client.ping()

    return check


def store_check(store: Store) -> Check:
    """The object store answers."""

    async def check() -> None:
        await asyncio.to_thread(store.ping)

    return check
