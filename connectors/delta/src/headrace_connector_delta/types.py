"""Types of Delta Lake for columns of rows."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.kits.judging import one_name
from headrace.sdk import Column, ConfigError, DataType
from msgspec import structs

_NONE = {DataType.TIME: "a time of day", DataType.DURATION: "a duration"}


def made(columns: Sequence[Column]) -> list[Column]:
    """The columns of a new table for such rows.

    Raises:
        ConfigError: one has no type there, or two names differ in letter case only.
    """
    return [_kept(column, column.name) for column in one_name(columns, "Delta Lake")]


def _kept(column: Column, name: str) -> Column:
    """The type that keeps all values of a column; `name` is that of the outermost one."""
    kind, bits = column.type, column.bits or 64
    if kind in _NONE:
        raise ConfigError(
            f"column '{name}' holds {_NONE[kind]}, for which Delta Lake has no type; cast it to text before",
            column=name,
        )
    if kind is DataType.INTEGER and bits == 128:
        return Column(column.name, DataType.DECIMAL, precision=38)
    if kind is DataType.INTEGER and not column.signed:
        if bits == 64:
            return Column(column.name, DataType.DECIMAL, precision=20)
        return Column(column.name, DataType.INTEGER, bits=2 * bits)
    if kind is DataType.TIMESTAMP and column.zone:
        return structs.replace(column, zone="UTC")
    if column.inner:
        return structs.replace(column, inner=tuple(_kept(part, name) for part in column.inner))
    return column
