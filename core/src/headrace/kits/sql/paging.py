"""Reads by key: the order, where a state stands in it, and how to split it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import sqlalchemy as sa

from headrace.sdk.connectors import Stream
from headrace.sdk.errors import ConfigError
from headrace.sdk.tables import State
from headrace.sdk.types import Column, DataType

_PYTHON = {
    DataType.DATE: dt.date, DataType.TIMESTAMP: dt.datetime, DataType.TIME: dt.time, DataType.DECIMAL: Decimal,
    DataType.BINARY: bytes, DataType.UUID: uuid.UUID, DataType.INTEGER: int, DataType.FLOAT: float,
    DataType.BOOLEAN: bool,
}  # fmt: skip


def order(stream: Stream, cursor: str, state: State | None) -> list[str]:
    """Columns to order by: the cursor, then the primary key.

    Raises:
        ConfigError: there is no key, or the state is of another order.
    """
    if not stream.primary_key:
        raise ConfigError(
            f"'{stream.name}' has no primary key, so a read of it cannot go on where it stopped; read it whole",
            field="stream",
        )
    by = [*([cursor] if cursor and cursor not in stream.primary_key else []), *stream.primary_key]
    if state and state.get("by", by) != by:
        raise ConfigError(
            f"the read of '{stream.name}' stood at {', '.join(state['by'])} and is now ordered by {', '.join(by)}; "
            "start it anew",
            field="cursor",
        )
    return [stream.column(name).name for name in by]


def bounds(source: sa.Table, columns: Sequence[Column], state: State | None) -> list[Any]:
    """Conditions that leave what lies behind a state, and not beyond its end."""
    found: list[Any] = [source.c[column.name].is_not(None) for column in columns if column.nullable]
    state = state or {}
    if "after" in state:
        places = [source.c[column.name] for column in columns]
        values = [decoded(column, value) for column, value in zip(columns, state["after"], strict=False)]
        found.append(_greater(places, values))
    if "until" in state:
        found.append(source.c[columns[0].name] <= decoded(columns[0], state["until"]))
    return found


def _greater(places: Sequence[Any], values: Sequence[Any]) -> Any:
    """`(a, b) > (x, y)`, as every database can say it."""
    either = [
        sa.and_(*(place == value for place, value in zip(places[:index], values[:index], strict=True)),
                places[index] > values[index])
        for index in range(len(values))
    ]  # fmt: skip
    return sa.and_(places[0] >= values[0], sa.or_(*either)) if len(either) > 1 else either[0]


def encoded(value: Any) -> Any:
    """A key's value as JSON has it."""
    return msgspec.to_builtins(value)


def decoded(column: Column, value: Any) -> Any:
    """A key's value as the driver has it."""
    kind = _PYTHON.get(column.type, str)
    return msgspec.convert(value, type=kind, strict=False)


def split(db: sa.Connection, tiled: sa.Select[Any], by: Sequence[str]) -> list[State]:
    """States of about equal rows, divided by the first column of the order; `tiled` gives its values and their part."""
    tiles = tiled.subquery()
    last = sa.select(sa.func.max(tiles.c.value).label("last")).group_by(tiles.c.tile).order_by(tiles.c.tile)
    ends = list(dict.fromkeys(encoded(value) for (value,) in db.execute(last)))[:-1]
    edges = [None, *ends, None]
    states: list[State] = []
    for start, end in pairwise(edges):
        state: State = {"by": list(by)}
        if start is not None:
            state["after"] = [start]
        if end is not None:
            state["until"] = end
        states.append(state)
    return states
