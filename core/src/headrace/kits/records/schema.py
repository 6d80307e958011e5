"""Columns of records: declared, or learned from some; and each value as its column's type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from headrace.kits.http.types import column_of, converter
from headrace.sdk.types import Column, DataType

LATE = "_late"
_BITS, _EXACT = 2**63, 2**53
_JSON = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def as_json(value: Any) -> str:
    """Any value as JSON text; what JSON has no form for is its text."""
    return _JSON.encode(value).decode()


def learned(records: Sequence[Mapping[str, Any]], keys: Sequence[str] = ()) -> tuple[Column, ...]:
    """One column a field, in the order in which fields first appear: the narrowest type that holds every value.

    Nested values, and values of several types, are json.
    """
    found: dict[str, set[str]] = {}
    for record in records:
        for name, value in record.items():
            kinds = found.setdefault(name, set())
            if value is not None:
                kinds.add(_kind(value))
    return tuple(_column(name, _common(kinds), nullable=name not in keys) for name, kinds in found.items())


def declared(kinds: Mapping[str, str], keys: Sequence[str] = ()) -> tuple[Column, ...]:
    """Columns as a user writes them: name and type.

    Raises:
        ConfigError: there is no such type.
    """
    return tuple(_column(name, kind.strip(), nullable=name not in keys) for name, kind in kinds.items())


def _column(name: str, kind: str, *, nullable: bool) -> Column:
    if kind == "binary":
        return Column(name, DataType.BINARY, nullable=nullable)
    return column_of(name, kind, nullable=nullable)


def fitting(column: Column) -> Callable[[Any], Any]:
    """A function from a record's value to the column's.

    It raises ValueError with words that follow "column 'x' ".
    """
    if column.type is DataType.JSON:
        return as_json
    if column.type is DataType.BINARY:
        return _binary
    text = converter(column)
    own = _OWN.get(column.type)
    if own is None:
        return text
    kinds, change = own
    if column.type is DataType.TIMESTAMP:
        change = _utc if column.zone else _local
    return lambda value: change(value) if isinstance(value, kinds) and not isinstance(value, bool) else text(value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if -_EXACT <= value <= _EXACT else "long" if -_BITS <= value < _BITS else "json"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "text"
    if isinstance(value, bytes | bytearray):
        return "binary"
    if isinstance(value, dt.datetime):
        return "timestamp" if value.tzinfo else "timestamp_local"
    if isinstance(value, dt.date):
        return "date"
    if isinstance(value, dt.time):
        return "time"
    if isinstance(value, Decimal):
        return f"decimal(38,{max(0, min(37, -int(value.as_tuple().exponent)))})" if value.is_finite() else "json"
    return "uuid" if isinstance(value, UUID) else "json"


def _common(kinds: set[str]) -> str:
    """One type for all; a field that was always null may still hold anything."""
    if kinds <= {"integer", "long"} and kinds:
        return "integer"
    if kinds == {"integer", "float"}:
        return "float"
    if kinds and all(kind.startswith("decimal") for kind in kinds):
        return max(kinds, key=lambda kind: int(kind[11:-1]))
    return next(iter(kinds)) if len(kinds) == 1 else "json"


def _binary(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise ValueError(f"holds {as_json(value)[:80]}, which is not binary")


def _utc(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        raise ValueError(f"holds {value}, which has no time zone; declare it as timestamp_local")
    return value.astimezone(dt.UTC)


def _local(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is not None:
        raise ValueError(f"holds {value}, which has a time zone; declare it as timestamp")
    return value


def _date(value: dt.date) -> dt.date:
    if isinstance(value, dt.datetime):
        raise ValueError(f"holds {value}, which is a moment; declare it as timestamp")  # noqa: TRY004 - words of a column
    return value


def _same(value: Any) -> Any:
    return value


_OWN: dict[DataType, tuple[Any, Callable[[Any], Any]]] = {
    DataType.FLOAT: (float, _same), DataType.TEXT: (str, _same), DataType.TIMESTAMP: (dt.datetime, _same),
    DataType.DATE: (dt.date, _date), DataType.TIME: (dt.time, _same), DataType.UUID: (UUID, str),
}  # fmt: skip
"""Values that drivers give as they are, and what is done with them; all others come as JSON has them."""
