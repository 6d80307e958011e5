"""Frames of the error port: rejected rows with their reasons, or a node's failure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from headrace.engine.messages import Problem
from headrace.sdk.connectors import Reject
from headrace.sdk.engines import Engine
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    import narwhals as nw

SPILL_ROWS = 50_000
COLUMNS = (
    Column("_row", DataType.INTEGER, bits=64),
    Column("_reason", DataType.TEXT),
    Column("_column", DataType.TEXT),
    Column("_data", DataType.TEXT),
)
"""Columns of an error port: line or row number in the source, reason, column at fault, the row as text."""


class Rejects:
    """Rejected rows of a step; beyond `SPILL_ROWS` they wait in files of its scratch folder."""

    def __init__(self, engine: Engine, scratch: Path, name: str) -> None:
        self._engine, self._scratch, self._name = engine, scratch, name
        self._rows: list[tuple[int, str, str, str]] = []
        self._files: list[Path] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, rejects: Sequence[Reject]) -> None:
        """Take rows in."""
        self._rows.extend((r.row, r.reason, r.column, r.data) for r in rejects)
        self._count += len(rejects)
        if len(self._rows) >= SPILL_ROWS:
            self._spill()

    def frame(self) -> nw.LazyFrame[Any]:
        """All of them."""
        if not self._files:
            return _load(self._engine, self._rows, self._scratch)
        if self._rows:
            self._spill()
        return self._engine.scan(self._files)

    def _spill(self) -> None:
        path = self._scratch / f"rejects-{quote(self._name, safe='')}-{len(self._files)}.parquet"
        self._engine.sink({path: _load(self._engine, self._rows, self._scratch)})
        self._files.append(path)
        self._rows = []


def failure_frame(engine: Engine, problem: Problem, scratch: Path) -> nw.LazyFrame[Any]:
    """A failure as one row."""
    return _load(engine, [(0, problem.message, problem.field, problem.hint)], scratch)


def _load(engine: Engine, rows: list[tuple[int, str, str, str]], scratch: Path) -> nw.LazyFrame[Any]:
    return engine.table(COLUMNS, rows, scratch) if rows else engine.empty(COLUMNS)
