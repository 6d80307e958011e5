"""The pool and the unit of work: one transaction, one organization."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, InvalidatePoolError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.pool import ConnectionPoolEntry

from headrace.sdk.errors import ConfigError, Conflict, PreconditionFailed, TransientError

RESTED_S = 1.0
"""A connection that was used so long ago is tried before it is used again."""
_UNSTORABLE = frozenset({"", "22003", "22021", "22P05"})
"""States of values that no column takes; the driver itself refuses NUL and has no state for it."""
_SET = sa.text("select set_config('app.organization_id', :organization, true), set_config('app.user_id', :user, true)")


class HeadraceSession(Session):
    """Sets the organization and user of its `info` at the begin of each transaction."""


@event.listens_for(HeadraceSession, "after_begin")
def _set_tenant(session: Session, transaction: SessionTransaction, connection: sa.Connection) -> None:
    if transaction.nested:
        return
    organization, user = session.info.get("organization_id"), session.info.get("user_id")
    if organization or user:
        connection.execute(_SET, {"organization": str(organization or ""), "user": str(user or "")})


async def set_tenant(session: AsyncSession, organization_id: UUID | None, *, user_id: UUID | None = None) -> None:
    """Change whose rows the rest of this transaction sees. For signing in and setting up only."""
    session.info["organization_id"], session.info["user_id"] = organization_id, user_id
    await session.execute(_SET, {"organization": str(organization_id or ""), "user": str(user_id or "")})


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
    """A connection pool and its transactions."""

    def __init__(self, engine: AsyncEngine, *, objects_url: str = "") -> None:
        self.engine = engine
        self._objects_url = objects_url
        self._sessions = async_sessionmaker(engine, expire_on_commit=False, sync_session_class=HeadraceSession)

    @classmethod
    def from_url(
        cls, url: str, *, pool_size: int = 10, max_overflow: int = 5, name: str = "headrace", objects_url: str = ""
    ) -> Database:
        """Open a pool; nothing connects yet.

        Args:
            url: `postgresql://...`, for the application or the worker role.
            pool_size: Connections kept open.
            max_overflow: Connections more at a peak.
            name: Shown in `pg_stat_activity`.
            objects_url: The object store that keeps what is too large for a row.
        """
        engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=10,
            pool_recycle=1800,
            hide_parameters=True,
            connect_args={"application_name": name, "connect_timeout": 10},
        )
        _try_what_rested(engine.sync_engine)
        return cls(engine, objects_url=objects_url)

    @asynccontextmanager
    async def transaction(
        self, organization_id: UUID | None = None, *, user_id: UUID | None = None
    ) -> AsyncIterator[AsyncSession]:
        """Give a session; commit at the end, roll back on an error.

        Without an organization, tables of organizations show no rows at all.

        Raises:
            TransientError: the database is away, or two transactions collided; try again.
            Conflict: a unique name is taken, or a row changed meanwhile.
        """
        info = {"organization_id": organization_id, "user_id": user_id, "objects_url": self._objects_url}
        async with self._sessions(info=info) as session:
            try:
                async with session.begin():
                    yield session
            except (SQLAlchemyError, StaleDataError) as error:
                translated = translate(error)
                if translated is error:
                    raise
                raise translated from error

    async def close(self) -> None:
        """Close every connection."""
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
    away = state[:2] in {"08", "57", "53"} or error.connection_invalidated or not state
    if away and isinstance(error, OperationalError | InterfaceError):
        return TransientError("the database does not answer; try again in a moment", detail=state, retry_after_s=1)
    return error
