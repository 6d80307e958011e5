"""Values to and from what SQLite keeps: decimals and moments as text, the rest as it is."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
from headrace.sdk import Column, DataType
from headrace.sdk.frames import polars_dtype


def encoded(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame as SQLite takes it."""
    changed = []
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.Decimal):
            changed.append(pl.col(name).cast(pl.String))
        elif isinstance(kind, pl.Datetime):
            utc = pl.col(name).dt.convert_time_zone("UTC") if kind.time_zone else pl.col(name)
            changed.append(utc.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"))
    return frame.with_columns(changed)


def decoded(column: Column, values: list[Any]) -> pl.Series:
    """Values of the file as a column."""
    kind = polars_dtype(column)
    if column.type is DataType.DECIMAL:
        return pl.Series(column.name, [None if v is None else Decimal(v) for v in values], dtype=kind)
    if column.type is DataType.TIMESTAMP:
        zone = dt.UTC if column.zone else None
        moments = [None if v is None else dt.datetime.fromisoformat(v).replace(tzinfo=zone) for v in values]
        return pl.Series(column.name, moments, dtype=kind)
    if column.type is DataType.BOOLEAN:
        values = [None if v is None else bool(v) for v in values]
    return pl.Series(column.name, values, dtype=kind)


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'
