"""Rows into the columns of a table: each value as it is, or an error."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from headrace.kits.drift import missing, refused, widened
from headrace.kits.exact import exactly, possible
from headrace.sdk import Column, ConfigError, DataType
from headrace.sdk.frames import from_polars
from msgspec import structs


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


class Fitting:
    """Puts frames into the columns of a table.

    Args:
        table: Its name, for people.
        there: Its columns, if it is there and stays.
        schema: Of the frames, without the mark of deletions.
        evolve: It takes new and wider columns.

    Attributes:
        columns: Of the rows, as the table will keep them.
        new: Of these, what the table lacks.
        wide: Of these, what it keeps in a narrower type.

    Raises:
        ConfigError: a column of the rows has no place in it.
    """

    def __init__(self, table: str, there: Sequence[Column] | None, schema: pl.Schema, *, evolve: bool) -> None:
        given = [kept(column) for column in from_polars(schema)]
        self.new: Sequence[Column] = ()
        self.wide: Sequence[Column] = ()
        self.columns = given
        if there is not None:
            refused(table, there, given, "evolve" if evolve else "freeze")
            if evolve:
                self.new, self.wide = missing(there, given), widened(there, given)
            by_name = {column.name: column for column in there}
            for column in given:
                if column.name in by_name:
                    possible(by_name[column.name], column)
            by_name = {c.name: c for c in (*there, *self.new)} | {c.name: c for c in self.wide}
            self.columns = [by_name[column.name] for column in given]

    def fit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with the table's types.

        Raises:
            DataError: a value would change.
        """
        return pl.DataFrame([exactly(frame[column.name], column) for column in self.columns])
