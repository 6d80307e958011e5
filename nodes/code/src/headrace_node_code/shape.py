"""The columns of the result: as declared, as the input has them, or as the first batch shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from headrace.sdk import Column, DataType
from headrace.sdk.frames import near, polars_dtype

from headrace_node_code.configs import ColumnRow
from headrace_node_code.values import Budget, Unfit, check, kind_of

if TYPE_CHECKING:
    import polars as pl

_KINDS: Final = {
    bool: DataType.BOOLEAN, int: DataType.INTEGER, float: DataType.FLOAT, str: DataType.TEXT, bytes: DataType.BINARY,
    dt.date: DataType.DATE, dt.datetime: DataType.TIMESTAMP, dt.time: DataType.TIME, dt.timedelta: DataType.DURATION,
    Decimal: DataType.DECIMAL, list: DataType.JSON, dict: DataType.JSON, tuple: DataType.JSON,
}  # fmt: skip


class Shape:
    """Columns, and what makes a frame of them."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self._checks = {column.name: check(column) for column in self.columns}

    def row(self, row: Any, budget: Budget) -> list[Any]:
        """The row's values in the order of the columns.

        Raises:
            Unfit: it has other columns, or a value that does not fit.
            DataError: the batch weighs too much.
        """
        if type(row) is not dict:
            raise Unfit(f"the code gave {kind_of(row)} instead of a row; give a dict, a list of dicts, or None")
        if row.keys() != self._checks.keys():
            raise self._other(row)
        made = []
        for name, fits in self._checks.items():
            try:
                budget.take(row[name])
                made.append(fits(row[name]))
            except Unfit as error:
                raise Unfit(f"'{name}': {error.reason}", name) from None
        return made

    def _other(self, row: Mapping[Any, Any]) -> Unfit:
        for name in row:
            if name not in self._checks:
                shown = name[:60] if isinstance(name, str) else kind_of(name)
                return Unfit(f"there is no output column '{shown}', declare it; {near(shown, self._checks)}")
        missing = next(name for name in self._checks if name not in row)
        return Unfit(f"'{missing}' is missing from the row; give it, with None where there is no value", missing)

    def frame(self, rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
        """A frame of checked rows."""
        import polars as pl

        values: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(self.columns)
        return pl.DataFrame([_series(column, list(part)) for column, part in zip(self.columns, values, strict=True)])


def _series(column: Column, values: list[Any]) -> pl.Series:
    import polars as pl

    if column.type is DataType.TIMESTAMP and column.zone:
        moments = [None if value is None else value.astimezone(dt.UTC).replace(tzinfo=None) for value in values]
        return (
            pl.Series(column.name, moments, dtype=pl.Datetime("us"), strict=True)
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone(column.zone)
        )
    return pl.Series(column.name, values, dtype=polars_dtype(column), strict=True)


def declared(rows: Iterable[ColumnRow]) -> Shape:
    """The shape that the user declares."""
    made = []
    for row in rows:
        kind = DataType(row.type)
        bits = 64 if kind in {DataType.INTEGER, DataType.FLOAT} else 0
        made.append(Column(row.name, kind, bits=bits))
        if kind is DataType.DECIMAL:
            made[-1] = Column(row.name, kind, precision=row.precision, scale=row.scale)
        if kind is DataType.TIMESTAMP:
            made[-1] = Column(row.name, kind, zone=row.zone)
    return Shape(made)


def inferred(rows: Sequence[Any], known: Sequence[Column]) -> Shape | None:
    """The shape of the first row: names of the input keep their types, others get theirs from all the values."""
    first = next((row for row in rows if type(row) is dict and row and all(type(name) is str for name in row)), None)
    if first is None:
        return None
    types = {column.name: column for column in known}
    return Shape(
        [
            types.get(name) or _inferred(name, [row[name] for row in rows if type(row) is dict and name in row])
            for name in first
        ]
    )


def _inferred(name: str, values: Sequence[Any]) -> Column:
    """Integer with float is float, with decimal decimal; else the first value decides, and nulls alone are text."""
    there = [value for value in values if value is not None]
    kinds = {type(value) for value in there}
    if not there:
        return Column(name, DataType.TEXT)
    if kinds == {int, float}:
        return Column(name, DataType.FLOAT, bits=64)
    kind = DataType.DECIMAL if kinds == {int, Decimal} else _KINDS.get(type(there[0]), DataType.TEXT)
    if kind is DataType.DECIMAL:
        exponents = [value.as_tuple().exponent for value in there if isinstance(value, Decimal)]
        scale = max([-part for part in exponents if isinstance(part, int)] or [0])
        return Column(name, kind, precision=38, scale=min(max(scale, 0), 38))
    if kind is DataType.TIMESTAMP and any(isinstance(v, dt.datetime) and v.tzinfo is not None for v in there):
        return Column(name, kind, zone="UTC")
    return Column(name, kind, bits=64 if kind in {DataType.INTEGER, DataType.FLOAT} else 0)
