"""Rows that meet a table of another shape: what fits, what a column must become, and what a write would lose. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headrace.sdk.connectors import WriteMode
from headrace.sdk.errors import ConfigError
from headrace.sdk.tables import Change, Drift
from headrace.sdk.types import Column, DataType

_EXACT = {DataType.INTEGER, DataType.DECIMAL}
_SIZED = {*_EXACT, DataType.FLOAT}
_LENGTH = re.compile(r"(?:CHAR|CHARACTER VARYING|VARCHAR2|VARCHAR)\((\d+)", re.IGNORECASE)
_DIGITS = {8: 3, 16: 5, 32: 10, 64: 19, 128: 38}


def length_of(column: Column) -> int:
    """How many characters a column of text takes; 0 if any number."""
    found = _LENGTH.search(column.native)
    return int(found[1]) if found else 0


def wider(kept: Column, given: Column) -> Column | None:
    """What a column must become to keep values of both types exactly; None if it may stay.

    Raises:
        ConfigError: no type keeps both.
    """
    a, b = kept.type, given.type
    exact = (a is b and a not in _SIZED) or (a is DataType.TIMESTAMP and b is DataType.DATE)
    if a is DataType.TEXT or exact or (b is DataType.TEXT and a in {DataType.UUID, DataType.JSON}):
        return None
    made: Column | None = None
    if {a, b} <= _EXACT:
        made = _exact(kept, given)
    elif {a, b} <= {DataType.INTEGER, DataType.FLOAT}:
        made = _float(kept, given)
    elif a is DataType.DATE and b is DataType.TIMESTAMP:
        made = Column(kept.name, b, zone=given.zone)
    if made is None:
        raise ConfigError(
            f"column '{given.name}' holds {said(given)} and the table keeps {said(kept)} there; no type keeps both "
            "exactly; cast it before, or choose another way for schema drift",
            column=given.name,
        )
    same = (made.type, made.bits, made.precision, made.scale, made.zone)
    return None if same == (a, kept.bits, kept.precision, kept.scale, kept.zone) else made


def _exact(kept: Column, given: Column) -> Column | None:
    """The type for whole numbers and decimals of both; None if there is none."""
    if kept.type is given.type is DataType.INTEGER:
        bits = max(kept.bits or 64, (given.bits or 64) * (2 if kept.signed and not given.signed else 1))
        fits = bits <= 64 and not (given.signed and not kept.signed)
        return (
            Column(kept.name, DataType.INTEGER, bits=bits if bits != (kept.bits or 64) else kept.bits) if fits else None
        )
    whole, scale = max(_whole(kept), _whole(given)), max(kept.scale, given.scale)
    precision = max(whole + scale, kept.precision)
    return Column(kept.name, DataType.DECIMAL, precision=precision, scale=scale) if precision <= 38 else None


def _float(kept: Column, given: Column) -> Column | None:
    """The type for floats, beside whole numbers that a float keeps exactly; None if there is none."""
    whole = max((column.bits or 64 for column in (kept, given) if column.type is DataType.INTEGER), default=0)
    if whole > 32:
        return None
    small = kept.type is DataType.FLOAT and kept.bits == 32 and given.bits <= 32 and whole <= 16
    return Column(kept.name, DataType.FLOAT, bits=32 if small else 64)


def said(column: Column) -> str:
    """A type for people."""
    if column.type is DataType.INTEGER and column.bits:
        return f"integers of {column.bits} bits"
    if column.type is DataType.DECIMAL:
        return f"decimals of {column.precision or 38} digits, {column.scale} of them after the point"
    length = length_of(column)
    return f"text of at most {length} characters" if length else str(column.type)


def missing(there: Sequence[Column], given: Sequence[Column]) -> list[Column]:
    """Columns of the rows that the table lacks."""
    names = {column.name for column in there}
    return [column for column in given if column.name not in names]


def widened(there: Sequence[Column], given: Sequence[Column]) -> list[Column]:
    """What columns of the table must become.

    Raises:
        ConfigError: no type keeps what is there and what comes.
    """
    by_name = {column.name: column for column in there}
    found = (wider(by_name[column.name], column) for column in given if column.name in by_name)
    return [column for column in found if column is not None]


def changes(
    table: str, there: Sequence[Column], given: Sequence[Column], *, mode: WriteMode, drift: Drift, rows: int | None
) -> list[Change]:
    """What a write would do to a table that is there, besides adding rows and changing them by key.

    Args:
        table: Its name, for people.
        there: Its columns.
        given: Those of the rows.
        mode: Of the write.
        drift: What to do with what the table has no place for.
        rows: How many it holds, or None.

    Raises:
        ConfigError: it would be refused.
    """
    if mode == "overwrite":
        return _replaced(table, there, given, rows)
    refused(table, there, given, drift)
    found = []
    if drift == "evolve":
        found += [
            Change(kind="add", column=c.name, text=f"column '{c.name}' is added to '{table}'")
            for c in missing(there, given)
        ]
        found += [
            Change(kind="widen", column=c.name, text=f"column '{c.name}' of '{table}' becomes {said(c)}")
            for c in widened(there, given)
        ]
    elif drift == "discard_value":
        found += [
            Change(kind="narrow", column=c.name, loses=True, text=f"values of '{c.name}' are left out of '{table}'")
            for c in missing(there, given)
        ]
    return found


def _replaced(table: str, there: Sequence[Column], given: Sequence[Column], rows: int | None) -> list[Change]:
    what = "the rows" if rows is None else f"{rows} rows"
    text = f"{what} of '{table}' are replaced, and its keys, indexes and rights with them"
    found = [Change(kind="rewrite", text=text, rows=rows, loses=bool(rows is None or rows))]
    found += [
        Change(kind="drop", column=c.name, rows=rows, loses=True, text=f"column '{c.name}' of '{table}' is dropped")
        for c in missing(given, there)
    ]
    by_name = {column.name: column for column in there}
    for column in given:
        old = by_name.get(column.name)
        if old is not None and not _keeps(column, old):
            text = f"column '{column.name}' of '{table}' becomes {said(column)}, and keeps no {said(old)} any more"
            found.append(Change(kind="narrow", column=column.name, loses=True, text=text))
    return found


def refused(table: str, there: Sequence[Column], given: Sequence[Column], drift: Drift) -> None:
    """Refuse rows with a column too many, where the shape is frozen.

    Raises:
        ConfigError: naming it.
    """
    extra = missing(there, given) if drift == "freeze" else []
    if extra:
        raise ConfigError(
            f"the table '{table}' has no column '{extra[0].name}'; add it there, leave it out before, let the table "
            "evolve, or overwrite it",
            column=extra[0].name,
        )


def _keeps(new: Column, old: Column) -> bool:
    """Whether a column of the new type keeps all values of the old one."""
    try:
        return wider(new, old) is None
    except ConfigError:
        return False


def _whole(column: Column) -> int:
    """Digits before the point."""
    if column.type is DataType.INTEGER:
        return _DIGITS.get(column.bits or 64, 19) + (0 if column.signed else 1)
    return (column.precision or 38) - column.scale
