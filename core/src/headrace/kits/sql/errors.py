"""Driver errors -> ours. The driver's text goes to `detail`, never into the message."""

from __future__ import annotations

import re
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
_FILE = "error while trying to open file"  # Firebird, of a database that is none
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


def translate(error: Exception, where: str) -> HeadraceError:  # noqa: PLR0912 - a table
    """One sentence for a driver's error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    text, detail = str(cause).lower(), f"{type(cause).__name__}: {cause}"
    state = str(getattr(cause, "sqlstate", None) or "")
    if state in {"28P01", "28000"} or any(word in text for word in _AUTH):
        return AuthError(
            f"{where} refuses the user or the password; correct them in the connection", detail=detail, field="password"
        )
    if state == "42501" or "permission denied" in text or "command denied" in text:
        return AuthError(
            f"the user has not the right to do this in {where}; grant it or use another user", detail=detail
        )
    if any(word in text for word in _HOST):
        return ConfigError(
            f"the host of {where} is not known; correct the host in the connection", detail=detail, field="host"
        )
    if any(word in text for word in _REFUSED):
        return TransientError(
            f"{where} does not answer; check host and port, and that the server runs", detail=detail, field="host"
        )
    if state == "53100" or any(word in text for word in _FULL):
        return HeadraceError(f"the disk of {where} is full; nothing was written; free space and retry", detail=detail)
    if state.startswith("23") or isinstance(error, sa.exc.IntegrityError):
        said, named = _constraint(cause, state, text)
        return DataError(f"{where} refuses the rows: {said}; nothing was written", detail=detail, **named)
    if state.startswith("22") or isinstance(error, sa.exc.DataError):
        column = _column(cause)
        what = f"a value of column '{column}' does not fit its type" if column else "a value does not fit its column"
        named = {"field": column} if column else {}
        return DataError(
            f"{what} in {where}; nothing was written; cast it before, or change the table", detail=detail, **named
        )
    if state in {"3F000", "42P01", "42703"}:
        kind = {"3F000": "schema", "42P01": "table", "42703": "column"}[state]
        name = next(iter(re.findall(r'"([^"]+)"', str(cause))), "")
        return ConfigError(
            f"there is no {kind} '{name}' in {where}; create it or correct the name", detail=detail, field="stream"
        )
    if "not a database" in text or "file is encrypted" in text:
        return ConfigError(f"{where} is no database file; choose another", detail=detail, field="path")
    if state.startswith("3D") or _FILE in text or (any(word in text for word in _UNKNOWN_DB) and "database" in text):
        return ConfigError(f"the database of {where} does not exist; correct its name", detail=detail, field="database")
    if isinstance(error, InterfaceError) or (isinstance(error, OperationalError) and not state):
        return TransientError(
            f"the link to {where} was lost; check that the server runs, and try again",
            detail=detail,
        )
    if state[:2] in {"08", "57", "53", "40"}:
        return TransientError(f"{where} cannot serve this now; try again in a moment", detail=detail)
    if isinstance(error, DatabaseError):
        return ConfigError(f"{where} refuses the statement; the log has its words", detail=detail)
    return ConfigError(f"{where} cannot be used as it is configured; the log says why", detail=detail)


_COLUMN = (
    re.compile(r"^COPY .+?, line \d+, column (.+?)(?::|$)", re.MULTILINE),
    re.compile(r"for column [`'\"]?(.+?)[`'\"]?(?: at row|$)", re.MULTILINE),
    re.compile(r"column [`'\"](.+?)[`'\"]", re.IGNORECASE),
)
_KEY = (
    re.compile(r"Key \((.+?)\)="),
    re.compile(r"constraint failed: (.+)$", re.MULTILINE),
    re.compile(r"for key '(.+?)'"),
)


def _column(cause: object) -> str:
    """The column that a driver names, without its value."""
    diag = getattr(cause, "diag", None)
    named = getattr(diag, "column_name", None)
    texts = [str(getattr(diag, "context", None) or ""), str(cause)]
    found = (match[1] for text in texts for pattern in _COLUMN if (match := pattern.search(text)))
    return str(named or next(found, ""))


def _constraint(cause: object, state: str, text: str) -> tuple[str, dict[str, str]]:
    """What does not hold, what to do, and the column or key."""
    if state == "23502" or "not null" in text or "cannot be null" in text:
        column = _column(cause) or _first(_KEY, str(cause)).rpartition(".")[2]
        return f"column '{column}' may not be null; fill or filter it before", {"field": column}
    if state == "23503" or "foreign key" in text:
        key = _first(_KEY, str(cause))
        return f"a reference does not exist{f' ({key})' if key else ''}; write what it refers to before", {}
    if state == "23505" or "unique" in text or "duplicate" in text:
        key = ", ".join(part.strip().rpartition(".")[2] for part in _first(_KEY, str(cause)).split(","))
        named = f"the key ({key})" if key else "a key"
        return f"{named} exists already; upsert by it, or put a Distinct step before", {"field": key or "keys"}
    name = str(getattr(getattr(cause, "diag", None), "constraint_name", None) or "")
    return f"the constraint {name or 'of the table'} does not hold; filter the rows before", {}


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> str:
    return next((match[1].strip() for pattern in patterns if (match := pattern.search(text))), "")
