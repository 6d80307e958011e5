"""Conditions over a stream, and what is kept of its rows: by the source and the steps, and by the steps alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from headrace.sdk import Column, Connector, DataType, Stream
from headrace.sdk.narrowing import Kept, compose

_COMPARED = frozenset({
    DataType.INTEGER, DataType.DECIMAL, DataType.FLOAT, DataType.DATE, DataType.TIMESTAMP, DataType.TEXT,
})  # fmt: skip


def conditions_over(stream: Stream, found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Every comparison of every column with a value that is there."""
    for column in stream.columns:
        place = '"' + column.name.replace('"', '""') + '"'
        yield f"{place} is null"
        yield f"{place} is not null"
        values = [row[column.name] for row in found if row[column.name] is not None]
        text = _text(column, values[0]) if values else ""
        if text and column.type in _COMPARED:
            yield from (f"{place} {operator} {text}" for operator in ("=", "<>", "<", "<=", ">", ">="))
            yield f"{text} < {place} and {place} is not null"


def kept(connector: Connector[Any], stream: Stream, text: str) -> list[dict[str, Any]]:
    """What a filter keeps of a narrowed read."""
    needed = compose([Kept(where=text)], {column.name: column for column in stream.columns})
    return kept_of(stream, [row for frame in connector.narrowed(stream, needed) for row in frame.to_dicts()], text)


def kept_of(stream: Stream, found: Sequence[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """What a filter keeps of rows, in an order of their own."""
    import polars as pl

    from headrace.sdk.expressions import condition
    from headrace.sdk.frames import nw, polars_schema

    frame = pl.LazyFrame(list(found), schema=polars_schema(stream.columns), orient="row")
    left: pl.LazyFrame = nw.from_native(frame).filter(condition(text, stream.columns)).to_native()
    return sorted(left.collect().to_dicts(), key=repr)


def _text(column: Column, value: Any) -> str:
    """The value as an expression has it; empty where it has none."""
    if column.type is DataType.TEXT:
        return "'" + str(value).replace("'", "''") + "'"
    if isinstance(value, dt.datetime):
        return f"'{value.replace(tzinfo=None).isoformat(sep=' ')}'"
    if isinstance(value, dt.date):
        return f"'{value.isoformat()}'"
    return format(value, "f") if isinstance(value, int | float | Decimal) else ""
