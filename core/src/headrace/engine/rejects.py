"""Frames of the error port: rejected rows with their reasons, or a node's failure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.engine.messages import Problem
from headrace.sdk.connectors import Reject
from headrace.sdk.engines import Engine
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    import narwhals as nw

COLUMNS = (
    Column("_row", DataType.INTEGER, bits=64),
    Column("_reason", DataType.TEXT),
    Column("_column", DataType.TEXT),
    Column("_data", DataType.TEXT),
)
"""Columns of an error port: line or row number in the source, reason, column at fault, the row as text."""


def reject_frame(engine: Engine, rejects: Sequence[Reject], scratch: Path) -> nw.LazyFrame[Any]:
    """Rejected rows as a frame."""
    return _load(engine, [(r.row, r.reason, r.column, r.data) for r in rejects], scratch)


def failure_frame(engine: Engine, problem: Problem, scratch: Path) -> nw.LazyFrame[Any]:
    """A failure as one row."""
    return _load(engine, [(0, problem.message, problem.field, problem.hint)], scratch)


def _load(engine: Engine, rows: list[tuple[int, str, str, str]], scratch: Path) -> nw.LazyFrame[Any]:
    return engine.table(COLUMNS, rows, scratch) if rows else engine.empty(COLUMNS)
