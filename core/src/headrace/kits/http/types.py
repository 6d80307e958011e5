"""Types as a declaration writes them: `integer`, `decimal(10,2)`, `timestamp`; and values in and out of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any
from uuid import UUID

import msgspec

from headrace.sdk.errors import ConfigError
from headrace.sdk.types import Column, DataType

_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")
_INTEGER = re.compile(r"-?\d{1,20}")
_SHAPES: dict[str, dict[str, Any]] = {
    "boolean": {"type": DataType.BOOLEAN},
    "integer": {"type": DataType.INTEGER, "bits": 64},
    "float": {"type": DataType.FLOAT, "bits": 64},
    "decimal": {"type": DataType.DECIMAL, "precision": 38, "scale": 9},
    "text": {"type": DataType.TEXT},
    "date": {"type": DataType.DATE},
    "time": {"type": DataType.TIME},
    "timestamp": {"type": DataType.TIMESTAMP, "zone": "UTC"},
    "timestamp_local": {"type": DataType.TIMESTAMP},
    "json": {"type": DataType.JSON},
    "uuid": {"type": DataType.UUID},
}
PYTHON: dict[str, Any] = {"boolean": bool, "integer": int, "float": float, "json": Any}
"""Types of action fields; all others travel as text."""
TYPES = tuple(_SHAPES)
_JSON = msgspec.json.Encoder(decimal_format="number")


def column_of(name: str, kind: str, *, nullable: bool = True) -> Column:
    """The logical column of a declared type.

    Raises:
        ConfigError: naming column and type.
    """
    given = _DECIMAL.fullmatch(kind)
    if given is not None and int(given[2]) <= int(given[1]) <= 38:
        return Column(name, DataType.DECIMAL, nullable=nullable, precision=int(given[1]), scale=int(given[2]))
    if kind not in _SHAPES:
        known = ", ".join(TYPES)
        raise ConfigError(f"column '{name}' has the type '{kind}'; known are {known}, decimal(10,2)", column=name)
    return Column(name=name, nullable=nullable, **_SHAPES[kind])


def typed(declared: str) -> tuple[str, str]:
    """Type and path of a declared column: `text at user.login` is a text at `user.login`."""
    kind, _, path = declared.partition(" at ")
    return kind.strip(), path.strip()


def columns_of(declared: Mapping[str, str], keys: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """Logical columns of a stream; keys are never null."""
    return tuple(column_of(name, typed(kind)[0], nullable=name not in keys) for name, kind in declared.items())


def converter(column: Column) -> Callable[[Any], Any]:
    """A function from a JSON value to the column's Python value.

    It raises ValueError with words that follow "column 'x' ", e.g. "holds the text 'a', which is no integer".
    """
    kind = column.type
    if kind is DataType.DECIMAL:
        return lambda value: _decimal(value, column.precision, column.scale)
    if kind is DataType.TIMESTAMP:
        return _timestamp if column.zone else _local
    return _BY_TYPE[kind]


def _refused(value: Any, wanted: str, hint: str = "") -> ValueError:
    shown = as_json(value)[:80]
    return ValueError(f"holds {shown}, which is no {wanted}{hint}")


def as_json(value: Any) -> str:
    """The value as JSON text."""
    return _JSON.encode(value).decode()


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _refused(value, "boolean")


def _integer(value: Any) -> int:
    whole: Any = None
    if isinstance(value, int) and not isinstance(value, bool):
        whole = value
    elif isinstance(value, float):
        whole = int(value) if value.is_integer() and abs(value) <= 2**53 else None
    elif isinstance(value, Decimal):
        whole = int(value) if value == int(value) else None
    elif isinstance(value, str) and _INTEGER.fullmatch(value):
        whole = int(value)
    if whole is None or not -(2**63) <= int(whole) < 2**63:
        raise _refused(value, "integer of 64 bits")
    return int(whole)


def _float(value: Any) -> float:
    try:
        made = float(value) if isinstance(value, int | float | Decimal | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        made = None
    if made is None or not isfinite(made) or (isinstance(value, int) and made != value):
        raise _refused(value, "number")
    return made


def _decimal(value: Any, precision: int, scale: int) -> Decimal:
    try:
        made = (
            Decimal(str(value))
            if isinstance(value, int | float | Decimal | str) and not isinstance(value, bool)
            else None
        )
    except InvalidOperation:
        made = None
    if made is None or not made.is_finite():
        raise _refused(value, "decimal")
    _, digits, exponent = made.normalize().as_tuple()
    decimals = max(0, -int(exponent))
    if decimals > scale or len(digits) + max(0, int(exponent)) - decimals > precision - scale:
        raise _refused(value, f"decimal({precision},{scale})")
    return made


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _refused(value, "text", "; declare it as json to keep any value")


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _refused(value, "date such as 2026-03-01") from None


def _time(value: Any) -> time:
    try:
        made = time.fromisoformat(value)
    except (TypeError, ValueError):
        made = None
    if made is None or made.tzinfo is not None:
        raise _refused(value, "time such as 10:30:00")
    return made


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if len(value) > 10 else None
    except (TypeError, ValueError):
        return None


def _timestamp(value: Any) -> datetime:
    made = _moment(value)
    if made is None:
        raise _refused(value, "timestamp such as 2026-03-01T10:30:00Z")
    if made.tzinfo is None:
        raise _refused(value, "timestamp with a zone", "; declare it as timestamp_local")
    return made.astimezone(UTC)


def _local(value: Any) -> datetime:
    made = _moment(value)
    if made is None or made.tzinfo is not None:
        raise _refused(value, "timestamp without a zone")
    return made


def _uuid(value: Any) -> str:
    try:
        return str(UUID(value))
    except (TypeError, ValueError, AttributeError):
        raise _refused(value, "UUID") from None


_BY_TYPE: dict[DataType, Callable[[Any], Any]] = {
    DataType.BOOLEAN: _boolean, DataType.INTEGER: _integer, DataType.FLOAT: _float, DataType.TEXT: _text,
    DataType.DATE: _date, DataType.TIME: _time, DataType.JSON: as_json, DataType.UUID: _uuid,
}  # fmt: skip
