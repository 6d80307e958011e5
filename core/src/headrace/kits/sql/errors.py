"""Driver errors -> ours. The driver's text goes to `detail`, never into the message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InterfaceError,
    NoSuchTableError,
    OperationalError,
    SQLAlchemyError,
)

from headrace.sdk.errors import AuthError, ConfigError, DataError, HeadraceError, TransientError

_AUTH = (
    "password authentication failed",
    "access denied",
    "authentication failed",
    "no password supplied",
    "28p01",
    "1045",
)
_UNKNOWN_DB = ("does not exist", "unknown database", "unable to open database")
_HOST = (
    "could not translate host",
    "name or service not known",
    "nodename nor servname",
    "failed to resolve",
    "getaddrinfo",
)
_REFUSED = ("connection refused", "can't connect", "could not connect", "connection timeout", "timeout expired")
_FULL = ("disk full", "no space left", "database or disk is full", "could not extend file")


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Translate what a driver raises inside the block.

    Args:
        where: Server and database, for people.
    """
    try:
        yield
    except HeadraceError:
        raise
    except NoSuchTableError as error:
        raise ConfigError(f"there is no table '{error}' in {where}", field="stream") from None
    except SQLAlchemyError as error:
        raise translate(error, where) from error
    except Exception as error:
        if not getattr(error, "sqlstate", None):
            raise
        raise translate(error, where) from error  # a driver used directly, e.g. for COPY


def translate(error: Exception, where: str) -> HeadraceError:
    """One sentence for a driver's error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    text, detail = str(cause).lower(), f"{type(cause).__name__}: {cause}"
    state = str(getattr(cause, "sqlstate", None) or "")
    if state in {"28P01", "28000"} or any(word in text for word in _AUTH):
        return AuthError(f"{where} refuses the user or the password; correct them in the connection", detail=detail)
    if state == "42501" or "permission denied" in text or "command denied" in text:
        return AuthError(
            f"the user has not the right to do this in {where}; grant it or use another user", detail=detail
        )
    if any(word in text for word in _HOST):
        return ConfigError(
            f"the host of {where} is not known; correct the host in the connection", detail=detail, field="host"
        )
    if any(word in text for word in _REFUSED):
        return TransientError(f"{where} does not answer; check host and port, and that the server runs", detail=detail)
    if any(word in text for word in _FULL):
        return HeadraceError(f"the disk of {where} is full; nothing was written; free space and retry", detail=detail)
    if state.startswith("23") or isinstance(error, sa.exc.IntegrityError):
        return DataError(f"{where} refuses the rows: {_constraint(state, text)}; nothing was written", detail=detail)
    if state.startswith("22") or isinstance(error, sa.exc.DataError):
        return DataError(
            f"a value does not fit its column in {where}; nothing was written; cast it before", detail=detail
        )
    if state.startswith("3D") or (any(word in text for word in _UNKNOWN_DB) and "database" in text):
        return ConfigError(f"the database of {where} does not exist; correct its name", detail=detail, field="database")
    if isinstance(error, InterfaceError) or (isinstance(error, OperationalError) and not state):
        return TransientError(f"the link to {where} was lost; it is tried again", detail=detail)
    if state[:2] in {"08", "57", "53", "40"}:
        return TransientError(f"{where} cannot serve this now; it is tried again", detail=detail)
    if isinstance(error, DatabaseError):
        return ConfigError(f"{where} refuses the statement; the log has its words", detail=detail)
    return ConfigError(f"{where} cannot be used as it is configured; the log says why", detail=detail)


def _constraint(state: str, text: str) -> str:
    kinds = {
        "23505": "a key exists already",
        "23502": "a column may not be null",
        "23503": "a reference does not exist",
    }
    if state in kinds:
        return kinds[state]
    return "a key exists already" if "unique" in text or "duplicate" in text else "a constraint does not hold"
