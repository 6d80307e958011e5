"""Opening a file: below the folders of this install, alone in its world, and with errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from headrace.sdk import ConfigError, DataError, HeadraceError, TransientError

LIMITS = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "memory_limit": "256MB",
    "threads": "2",
}
"""Of every connection; the same everywhere, because one process opens a file with one configuration."""
OURS = "headrace: "
"""Starts the texts that our own SQL raises."""


def connect(file: Path, *, writing: bool) -> duckdb.DuckDBPyConnection:
    """A connection of its own; readers share the file between processes, a writer has it alone.

    Raises:
        duckdb.Error: as the engine says.
    """
    try:
        opened = duckdb.connect(file, read_only=not writing, config=dict(LIMITS))
    except duckdb.ConnectionException:
        if writing:
            raise
        opened = duckdb.connect(file, config=dict(LIMITS))  # this process writes it just now: share that opening
    ((locked,),) = opened.execute("SELECT current_setting('lock_configuration')").fetchall()
    if not locked:
        opened.execute("SET GLOBAL TimeZone = 'UTC'")
        opened.execute("SET GLOBAL lock_configuration = true")
    return opened


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Translate what the engine raises inside the block.

    Args:
        where: The file, for people.
    """
    try:
        yield
    except duckdb.Error as error:
        raise translate(error, where) from error


def translate(error: duckdb.Error, where: str) -> HeadraceError:
    """One sentence for an error of the engine; its own words go to `detail`."""
    text, detail = str(error), f"{type(error).__name__}: {error}"
    if OURS in text:
        return DataError(text.partition(OURS)[2].strip(), detail=detail)
    if isinstance(error, duckdb.ConstraintException):
        kind = "a key exists already" if "uplicate key" in text else "a constraint does not hold"
        return DataError(f"{where} refuses the rows: {kind}; nothing was written", detail=detail)
    if isinstance(error, duckdb.DataError | duckdb.OutOfRangeException | duckdb.InvalidTypeException):
        return DataError(f"a value does not fit its column in {where}; cast it before", detail=detail)
    if isinstance(error, duckdb.InterruptException):
        return TransientError(f"the statement took too long in {where} and was stopped; make it cheaper", detail=detail)
    if isinstance(error, duckdb.OutOfMemoryException):
        return HeadraceError(f"{where} needs more than {LIMITS['memory_limit']} of memory for this; read less at once",
                             detail=detail)  # fmt: skip
    if "Could not set lock" in text or isinstance(error, duckdb.ConnectionException | duckdb.TransactionException):
        return TransientError(f"{where} is in use by another step or program; it is tried again", detail=detail)
    if "not a valid DuckDB database" in text or isinstance(error, duckdb.SerializationException):
        return ConfigError(
            f"{where} is no DuckDB file of a version known here; correct the path", detail=detail, field="path"
        )
    if "ermission denied" in text:
        return ConfigError(f"the worker may not open {where}; grant it the file", detail=detail, field="path")
    if "o space left" in text:
        return HeadraceError(f"the disk of {where} is full; nothing was written; free space and retry", detail=detail)
    if isinstance(error, duckdb.IOException):
        return ConfigError(f"{where} cannot be opened; check the path and the file", detail=detail, field="path")
    return ConfigError(f"{where} refuses the statement; the log has its words", detail=detail)
