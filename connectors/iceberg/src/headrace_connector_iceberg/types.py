"""Types of Iceberg for columns of rows."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.sdk import Column, ConfigError, DataType
from msgspec import structs


def made(columns: Sequence[Column]) -> list[Column]:
    """The columns of a new table for such rows."""
    return [kept(column) for column in columns]


def kept(column: Column, name: str = "") -> Column:
    """The type that keeps all values of a column in Iceberg; `name` is that of the outermost one.

    Raises:
        ConfigError: there is none.
    """
    name, kind, bits = name or column.name, column.type, column.bits or 64
    if kind is DataType.DURATION:
        raise ConfigError(
            f"column '{name}' holds a duration, for which Iceberg has no type; cast it to a number before", column=name
        )
    if kind is DataType.INTEGER:
        if bits == 128 or (bits == 64 and not column.signed):
            return Column(column.name, DataType.DECIMAL, precision=38 if bits == 128 else 20)
        return Column(column.name, DataType.INTEGER, bits=32 if bits < 32 or (bits == 32 and column.signed) else 64)
    if kind is DataType.TIMESTAMP and column.zone:
        return structs.replace(column, zone="UTC")
    if column.inner:
        return structs.replace(column, inner=tuple(kept(part, name) for part in column.inner))
    return column
