"""The pool and the unit of work: one transaction, one organization."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, InvalidatePoolError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.pool import ConnectionPoolEntry

from headrace.infra.homes import ELSEWHERE, MOVING, SHARED, Elsewhere, Unserved, moving, url_at
from headrace.sdk.errors import ConfigError, Conflict, PreconditionFailed, TransientError

RESTED_S = 1.0
"""A connection that was used so long ago is tried before it is used again."""
_UNSTORABLE = frozenset({"", "22003", "22021", "22P05"})
"""States of values that no column takes; the driver itself refuses NUL and has no state for it."""
_SET = sa.text("""
select set_config('app.organization_id', :organization, true), set_config('app.subscription_id', :organization, true),
  set_config('app.user_id', :user, true), h.state, h.place
from (select) one left join homes h on h.id = cast(nullif(:organization, '') as uuid) and h.state <> 'here'
""")
_WROTE = sa.text("select pg_current_xact_id_if_assigned() is not null")
_HOPS = 3
RowT = TypeVar("RowT")
_log = structlog.get_logger("headrace.database")


class HeadraceSession(Session):
    """Sets the organization and user of its `info` at the begin of each transaction."""


@event.listens_for(HeadraceSession, "after_begin")
def _set_tenant(session: Session, transaction: SessionTransaction, connection: sa.Connection) -> None:
    if transaction.nested:
        return
    organization, user = session.info.get("organization_id"), session.info.get("user_id")
    if organization or user:
        said = connection.execute(_SET, {"organization": str(organization or ""), "user": str(user or "")}).one()
        _note(session.info, said)


def _note(info: dict[Any, Any], said: Any) -> None:
    """What the database says of the organization; of each in turn, where one transaction is of several."""
    info["elsewhere"] = Elsewhere(said.state, said.place) if said.state else None
    if said.state:
        info.setdefault("places", {})[info["organization_id"]] = said.place


async def set_tenant(session: AsyncSession, organization_id: UUID | None, *, user_id: UUID | None = None) -> None:
    """Change whose rows the rest of this transaction sees. For signing in and setting up only."""
    given = {"organization": str(organization_id or ""), "user": str(user_id or "")}
    said = (await session.execute(_SET, given)).one()  # known afterwards: what this begins would else set it once more
    session.info["organization_id"], session.info["user_id"] = organization_id, user_id
    _note(session.info, said)


def require_here(session: AsyncSession) -> None:
    """Go on only when the organization of `set_tenant` is served in this database.

    Raises:
        Moving: it lives elsewhere, or is on its way.
    """
    if session.info.get("elsewhere") is not None:
        raise moving()


def sqlalchemy_url(url: str) -> sa.URL:
    """`postgresql://...` for psycopg 3.

    Raises:
        ConfigError: when it is not a PostgreSQL URL.
    """
    try:
        parsed = sa.make_url(url)
    except SQLAlchemyError:
        raise ConfigError("the database URL cannot be read; write postgresql://user:password@host:5432/name") from None
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise ConfigError(f"the database URL has scheme '{parsed.drivername}'; only postgresql:// is supported")
    return parsed.set(drivername="postgresql+psycopg")


class Database:
    """A connection pool and its transactions; the shared one knows the pools of the other databases.

    Attributes:
        place: Where it is; empty is the shared one.
        url: Its address, for listening.
        on_change: Called with an organization that lives elsewhere, and its place, after a change of its accounts here.
    """

    def __init__(
        self, engine: AsyncEngine, *, objects_url: str = "", url: str = "", place: str = SHARED,
        open_at: Callable[[str], Database] | None = None,
    ) -> None:  # fmt: skip
        self.engine, self.url, self.place = engine, url, place
        self.on_change: Callable[[UUID, str], Any] | None = None
        self._objects_url = objects_url
        self._sessions = async_sessionmaker(engine, expire_on_commit=False, sync_session_class=HeadraceSession)
        self._open_at = open_at
        self._others: dict[str, Database] = {}
        self._places: dict[UUID, str] = {}
        self._known: tuple[float, tuple[Database, ...]] = (-math.inf, ())

    @classmethod
    def from_url(
        cls, url: str, *, pool_size: int = 10, max_overflow: int = 5, name: str = "headrace", objects_url: str = "",
        place: str = SHARED, servers: Sequence[str] = (),
    ) -> Database:  # fmt: skip
        """Open a pool; nothing connects yet.

        Args:
            url: `postgresql://...`, for the application or the worker role.
            pool_size: Connections kept open.
            max_overflow: Connections more at a peak.
            name: Shown in `pg_stat_activity`.
            objects_url: The object store that keeps what is too large for a row.
            place: Of an organization's own database, which leads nowhere else.
            servers: Where databases of organizations may be besides this server: HEADRACE_DATABASE_SERVERS.
        """
        engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=10,
            pool_use_lifo=True,  # what was used last is warm: its statements are prepared, and it has not rested
            pool_recycle=1800,
            hide_parameters=True,
            connect_args={"application_name": name, "connect_timeout": 10},
        )
        _try_what_rested(engine.sync_engine)

        def open_at(there: str) -> Database:
            return cls.from_url(
                url_at(url, there, servers), pool_size=max(1, pool_size // 2), max_overflow=max_overflow, name=name,
                objects_url=objects_url, place=there,
            )  # fmt: skip

        return cls(engine, objects_url=objects_url, url=url, place=place, open_at=None if place else open_at)

    @asynccontextmanager
    async def transaction(
        self, organization_id: UUID | None = None, *, user_id: UUID | None = None, here: bool = False
    ) -> AsyncIterator[AsyncSession]:
        """Give a session where the organization's work lives; commit at the end, roll back on an error.

        Without an organization, tables of organizations show no rows at all.

        Args:
            organization_id: Whose rows.
            user_id: Who does it.
            here: In this database, wherever the work lives: accounts, plans and sign-ins are in the shared one.

        Raises:
            TransientError: the database is away, two transactions collided, or the organization moves; try again.
            Conflict: a unique name is taken, or a row changed meanwhile.
        """
        info = {"organization_id": organization_id, "user_id": user_id, "objects_url": self._objects_url}
        async with AsyncExitStack() as stack:
            if organization_id is None or here:
                yield await stack.enter_async_context(self._unit(info))
            else:
                yield await self._at_home(stack, organization_id, info)

    async def everywhere(
        self, unserved: list[tuple[UUID, str]] | None = None, *, known_s: float = 0.0
    ) -> list[Database]:
        """This database and those of organizations that live elsewhere.

        Args:
            unserved: Takes organizations whose database may not be opened, with the reason, in place of the log.
            known_s: So old, in seconds, may be what is known of them.
        """
        if self._open_at is None:
            return [self]
        if time.monotonic() - self._known[0] < known_s:
            return list(self._known[1])
        async with self.transaction() as session:
            rows = (await session.execute(ELSEWHERE)).all()
        found = [self]
        for row in rows:
            try:
                found += [self._at(row.place)] if row.state != MOVING else []
            except TransientError as error:  # the others go on
                if unserved is None:
                    _log.error("an organization is not served", organization=str(row.id), reason=error.message)
                else:
                    unserved.append((row.id, error.message))
        self._known = (time.monotonic(), tuple(found))
        return found

    async def served(self, rows: Sequence[RowT], organization: Callable[[RowT], UUID]) -> Iterable[RowT]:
        """Those of organizations that are served in this database."""
        async with self.transaction() as session:
            gone = {row.id for row in await session.execute(ELSEWHERE)} if rows else set()
        return [row for row in rows if organization(row) not in gone]

    def at(self, other: Database) -> Database:
        """The database at the place of another, as our role sees it."""
        return self._at(other.place)

    def home(self, organization_id: UUID) -> Database:
        """Where the organization was last seen."""
        return self._at(self._places.get(organization_id, SHARED))

    async def _at_home(self, stack: AsyncExitStack, organization_id: UUID, info: dict[str, Any]) -> AsyncSession:
        for _ in range(_HOPS):
            database = self.home(organization_id)
            try:
                async with AsyncExitStack() as trial:
                    session = await trial.enter_async_context(database._unit(info))
                    await session.connection()
                    elsewhere: Elsewhere | None = session.info.get("elsewhere")
                    if elsewhere is None:
                        stack.push_async_exit(trial.pop_all().__aexit__)
                        return session
            except TransientError:  # it may have come back meanwhile, and its own database be gone
                if self._places.pop(organization_id, SHARED) == SHARED:
                    raise
                continue
            if elsewhere.state == MOVING or self._open_at is None:
                break
            self._places[organization_id] = self._at(elsewhere.place).place
        raise moving()

    def _at(self, place: str) -> Database:
        if place == self.place or self._open_at is None:
            return self
        if place not in self._others:
            try:
                self._others[place] = self._open_at(place)
            except ConfigError as error:
                raise Unserved(error.message, retry_after_s=60) from error
        return self._others[place]

    @asynccontextmanager
    async def _unit(self, info: dict[str, Any]) -> AsyncIterator[AsyncSession]:
        changed: dict[UUID, str] = {}
        async with self._sessions(info={**info, "place": self.place}) as session:
            try:
                async with session.begin():
                    yield session
                    if self.on_change is not None and "places" in session.info and await session.scalar(_WROTE):
                        changed = session.info["places"]
            except (SQLAlchemyError, StaleDataError) as error:
                translated = translate(error)
                if translated is error:
                    raise
                raise translated from error
        for organization_id, place in changed.items():
            if self.on_change is not None:
                await self.on_change(organization_id, place)

    async def close(self) -> None:
        """Close every connection."""
        for other in self._others.values():
            await other.close()
        await self.engine.dispose()


def _try_what_rested(engine: sa.Engine) -> None:
    """Ask a connection that rested whether it still answers; asking each time would cost a round trip a transaction."""

    @event.listens_for(engine, "checkin")
    def _used(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _try(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: Any) -> None:
        used_at = record.info.get("used_at")
        if used_at is None or time.monotonic() - used_at < RESTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


def translate(error: Exception) -> Exception:
    """Turn a driver error into one of ours; its text goes to `detail`, values never appear."""
    if isinstance(error, StaleDataError):
        return PreconditionFailed("the object was changed by somebody else meanwhile; load it again")
    if isinstance(error, PoolTimeout):
        return TransientError("all database connections are in use; try again in a moment", retry_after_s=1)
    if not isinstance(error, DBAPIError):
        return error
    state = str(getattr(error.orig, "sqlstate", None) or "")
    constraint = str(getattr(getattr(error.orig, "diag", None), "constraint_name", None) or "")
    if state == "23505":
        return Conflict("an object with this name or key exists already; choose another", constraint=constraint)
    if state == "23503":
        return Conflict("a referenced object does not exist or is still in use", constraint=constraint)
    if state in {"40001", "40P01", "55P03"}:
        return TransientError("two changes collided; try again", detail=state, retry_after_s=0.1)
    if isinstance(error, DataError) and state in _UNSTORABLE:
        return ConfigError("a text has a character that cannot be stored (NUL), or a number is too large", detail=state)
    if state == "53100":
        return TransientError("the disk of the database server is full; free some space and try again", retry_after_s=5)
    away = state[:2] in {"08", "57", "53"} or state == "3D000" or error.connection_invalidated or not state
    if away and isinstance(error, OperationalError | InterfaceError):
        return TransientError("the database does not answer; try again in a moment", detail=state, retry_after_s=1)
    return error
