"""Rows of a driver to and from frames, with exactly the declared types."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from headrace.sdk.errors import DataError
from headrace.sdk.frames import polars_schema
from headrace.sdk.types import Column, DataType

_MIDNIGHT = datetime(1, 1, 1)  # noqa: DTZ001 - a time of day has no zone
_AS_TEXT = frozenset({DataType.TEXT, DataType.JSON, DataType.UUID})


def frame_of(rows: Sequence[Any], columns: Sequence[Column]) -> pl.DataFrame:
    """A frame with exactly these columns.

    Raises:
        DataError: a value does not fit its column's type.
    """
    data = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    series = []
    for column, kind, values in zip(columns, polars_schema(columns).dtypes(), data, strict=True):
        given = _given(column, values)
        try:
            made = pl.Series(column.name, given, dtype=kind, strict=column.type is not DataType.DECIMAL)
        except (TypeError, pl.exceptions.PolarsError, OverflowError) as error:
            raise DataError(
                f"column '{column.name}' holds a value that is no {column.type}", column=column.name, detail=str(error)
            ) from None
        if column.type is DataType.DECIMAL and made.null_count() != sum(value is None for value in given):
            raise beyond_digits(column)
        series.append(made)
    return pl.DataFrame(series)


def beyond_digits(column: Column) -> DataError:
    """A number is too large for its column."""
    return DataError(
        f"column '{column.name}' holds a number of more than {column.precision} digits; read it by a query that casts "
        "it",
        column=column.name,
    )


def too_exact(column: Column, value: object) -> DataError:
    """A number has more decimals than its column keeps."""
    return DataError(
        f"column '{column.name}' holds {value}, with more than {column.scale} decimals; read it by a query that casts "
        "it",
        column=column.name,
    )


def no_decimal(column: Column, value: object) -> DataError:
    """A number is none, or has no end."""
    return DataError(
        f"column '{column.name}' holds {value}, which no decimal column keeps; read it by a query that casts it",
        column=column.name,
    )


def _given(column: Column, values: Any) -> Any:
    """Values as Polars takes them.

    Raises:
        DataError: a number has more decimals than the column keeps; nothing is rounded.
    """
    if column.type in _AS_TEXT:
        return [_text(value) for value in values]
    if column.type is DataType.BOOLEAN:
        return [None if value is None else bool(value) for value in values]
    if column.type is DataType.TIME and any(isinstance(value, timedelta) for value in values):
        return [(_MIDNIGHT + value).time() if isinstance(value, timedelta) else value for value in values]
    if column.type is DataType.DECIMAL:
        for value in values:
            if isinstance(value, Decimal) and not value.is_finite():
                raise no_decimal(column, value)
            if isinstance(value, Decimal) and -int(value.as_tuple().exponent) > column.scale:
                raise too_exact(column, value)
    return values


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)


def inferred(rows: Sequence[Any], names: Sequence[str]) -> pl.DataFrame:
    """A frame of a free query, with types from the values."""
    data = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    series = []
    for name, values in zip(names, data, strict=True):
        mixed = any(isinstance(v, dict | list) or type(v).__name__ == "UUID" for v in values)
        series.append(pl.Series(name, [_text(v) for v in values] if mixed else values, strict=False))
    return pl.DataFrame(series)


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Durations as microseconds, moments in UTC (not every database keeps a zone), nested values as JSON text."""
    changed: list[Any] = []
    for name, kind in frame.schema.items():
        if kind == pl.Duration:
            changed.append(pl.col(name).dt.total_microseconds())
        elif isinstance(kind, pl.Datetime) and kind.time_zone:
            changed.append(pl.col(name).dt.convert_time_zone("UTC"))
        elif kind.is_nested():
            texts = [None if v is None else json.dumps(v, default=str) for v in frame[name].to_list()]
            changed.append(pl.Series(name, texts, dtype=pl.String))
    return frame.with_columns(changed) if changed else frame


def plain_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows for a driver."""
    return plain(frame).to_dicts()
