"""Types and values of CQL, both ways."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from headrace.kits.http.types import column_of
from headrace.kits.records.schema import as_json
from headrace.sdk import Column, DataType

_KINDS = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint", "counter"), "integer"),
    **dict.fromkeys(("float", "double"), "float"), **dict.fromkeys(("text", "varchar", "ascii", "inet"), "text"),
    **dict.fromkeys(("uuid", "timeuuid"), "uuid"), "boolean": "boolean", "timestamp": "timestamp", "date": "date",
    "time": "time",
}  # fmt: skip
_EXACT = frozenset({"decimal", "varint", "duration"})
"""Without bounds of their own: they are read as text, which is exact."""


def quoted(name: str) -> str:
    """A name in CQL."""
    return '"' + name.replace('"', '""') + '"'


def column_for(name: str, cql: str, *, nullable: bool) -> Column:
    """The column of a CQL type; collections, tuples and types of users are JSON."""
    kind = cql.removeprefix("frozen<").lower()
    if kind == "blob":
        return Column(name, DataType.BINARY, nullable=nullable)
    return column_of(name, "text" if kind in _EXACT else _KINDS.get(kind, "json"), nullable=nullable)


def plain(value: Any) -> Any:
    """A value as Python has it; moments of the driver are UTC without saying so."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value
    if type(value).__name__ == "Date" and hasattr(value, "days_from_epoch"):
        return value.date()
    if type(value).__name__ == "Time" and hasattr(value, "nanosecond_time"):
        return value.time()
    if isinstance(value, Decimal) or type(value).__name__ == "Duration":
        return str(value)
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else as_json(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, str | bytes | UUID) or not hasattr(value, "__iter__"):
        return value
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    return [plain(inner) for inner in value]


def cql_type(values: Sequence[Any]) -> str:
    """The type of a column that is made for values; text where they do not agree."""
    kinds = {_kind(value) for value in values if value is not None}
    return next(iter(kinds)) if len(kinds) == 1 else "text"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, dt.datetime):
        return "timestamp" if value.microsecond % 1_000 == 0 else "text"
    for kind, name in ((int, "bigint"), (float, "double"), (Decimal, "decimal"), (bytes, "blob"), (dt.date, "date"),
                       (dt.time, "time")):  # fmt: skip
        if isinstance(value, kind):
            return name
    return "text"


def sent(value: Any, cql: str) -> Any:
    """A value as a column of that type takes it; what has another type goes as it is, and the driver refuses it.

    Raises:
        ValueError: a moment is finer than the milliseconds of the column; the words follow "the row ".
    """
    if value is None:
        return None
    if cql in {"text", "varchar", "ascii"} and not isinstance(value, str):
        return value.isoformat() if isinstance(value, dt.date | dt.time) else _text(value)
    if cql == "timestamp" and isinstance(value, dt.datetime):
        if value.microsecond % 1_000:
            raise ValueError(f"holds {value}, and timestamps have milliseconds here; make the column a text")
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    if cql in {"uuid", "timeuuid"} and isinstance(value, str):
        return UUID(value)
    if cql in {"decimal", "varint"} and isinstance(value, str):
        return Decimal(value) if cql == "decimal" else int(value)
    return value


def _text(value: Any) -> str:
    return (
        str(value)
        if isinstance(value, int | float | Decimal | UUID) and not isinstance(value, bool)
        else as_json(value)
    )
