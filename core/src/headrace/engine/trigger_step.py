"""Work of every trigger's node: the rows of the event that started the execution."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.sdk.errors import DataError
from headrace.sdk.nodes import Node, NodeContext
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    from headrace.sdk.nodes import Frames

ROWS, TRIGGER = "rows", "trigger"
_PLAIN: dict[type, Column] = {
    bool: Column("", DataType.BOOLEAN),
    int: Column("", DataType.INTEGER, bits=64),
    float: Column("", DataType.FLOAT, bits=64),
    str: Column("", DataType.TEXT),
}
_LEAST, _MOST = -(2**63), 2**63 - 1


class TriggerStep(Node[Any]):
    """The event as rows; the sample when somebody executes the flow by hand."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: the event's rows, else the input as one row, else the sample.

        Raises:
            DataError: the input's `rows` are no list of objects.
        """
        rows = event_rows(ctx.input_data)
        if rows is None:
            rows = self.config.sample or [{"execution_id": ctx.execution_id}]
        columns, values = table_of(rows)
        if not columns:
            return {"out": ctx.engine.empty(())}
        return {"out": ctx.engine.table(columns, values, ctx.scratch)}


def event_rows(data: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Rows of an execution's input; None when there is none.

    Raises:
        DataError: `rows` is no list of objects.
    """
    if ROWS in data:
        rows = data[ROWS]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise DataError("`rows` of the input is a list of objects, one for each row", field=ROWS)
        return rows
    one = {key: value for key, value in data.items() if key != TRIGGER}
    return [one] if one else None


def table_of(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[Column, ...], list[tuple[Any, ...]]]:
    """Objects as columns and rows."""
    columns = columns_of(rows)
    return columns, [tuple(_fitting(row.get(column.name), column) for column in columns) for row in rows]


def columns_of(rows: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Columns in the order in which they appear; what is nested, mixed or too large is JSON or text."""
    kinds: dict[str, set[type]] = {}
    for row in rows:
        for name, value in row.items():
            seen = kinds.setdefault(name, set())
            if value is not None:
                seen.add(_kind(value))
    return tuple(_column(name, seen) for name, seen in kinds.items())


def _kind(value: Any) -> type:
    if isinstance(value, int) and not isinstance(value, bool) and not _LEAST <= value <= _MOST:
        return object
    return type(value) if type(value) in _PLAIN else object


def _column(name: str, seen: set[type]) -> Column:
    plain = _PLAIN[str] if not seen else _PLAIN[float] if seen == {int, float} else None
    if plain is None and len(seen) == 1:
        plain = _PLAIN.get(next(iter(seen)))
    kind = plain or Column("", DataType.JSON)
    return Column(name, kind.type, bits=kind.bits)


def _fitting(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if column.type is DataType.JSON:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return float(value) if column.type is DataType.FLOAT else value
