"""Writing a stream in one transaction: stage, check, apply, and the effect ledger beside the data.

A repeat with the same effect key finds its row in the ledger and changes nothing (durability.md 4.4, class A).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import sqlalchemy as sa

from headrace.kits.judging import judged, one_shape
from headrace.kits.sql.apply import Staged, check_keys
from headrace.kits.sql.ledger import Ledger
from headrace.kits.sql.rejects import Outlet
from headrace.kits.sql.target import Target
from headrace.sdk.connectors import Rejector, WriteMode, WriteResult
from headrace.sdk.tables import TableOptions
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    import polars as pl

Load = Callable[[sa.Connection, sa.Table, "pl.DataFrame"], None]


class Writer:
    """One write of one stream over an open transaction.

    Args:
        db: In a transaction that the caller ends.
        target: The table.
        ledger: Beside it.
        load: Puts a frame into a table, as fast as the driver can.
        merges: The database knows MERGE but no UPDATE ... FROM.
        options: Drift, and the column that marks deletions.
        reject: Takes rows that the table has no place for.
    """

    def __init__(
        self, db: sa.Connection, target: Target, ledger: Ledger, load: Load, *, merges: bool = False,
        options: TableOptions | None = None, reject: Rejector | None = None,
    ) -> None:  # fmt: skip
        self._db, self._target, self._ledger, self._load = db, target, ledger, load
        self._merges = merges
        self._options = options or TableOptions()
        self._reject = reject

    def write(
        self, frames: Iterator[pl.DataFrame], mode: WriteMode, keys: Sequence[str], effect_key: str
    ) -> WriteResult:
        """Write all frames or none; a repeat of an effect takes none. What raises is for the caller to roll back."""
        from headrace.kits.sql.frames import plain
        from headrace.sdk.frames import from_polars

        done = self._ledger.done(effect_key)
        first = next(frames, None) if done is None else None
        if first is None:
            return done or WriteResult(0)
        sifted = self._options.drift not in {"freeze", "evolve"}
        columns = from_polars(plain(first.clear()).schema if sifted else first.schema)
        mark = self._options.deletes if mode in {"merge", "scd2"} else ""
        data = judged(columns, mode, keys, mark)
        whole = one_shape(chain([first], frames), first.schema)
        if mode == "overwrite":
            result = self._overwrite(data, whole)
        else:
            result = self._into_target(data, whole, mode, keys, mark)
        self._ledger.remember(effect_key, result)
        return result

    def _into_target(
        self, data: list[Column], frames: Iterator[pl.DataFrame], mode: WriteMode, keys: Sequence[str], mark: str
    ) -> WriteResult:
        """Append, upsert, merge or keep a history, in a table that is made or adapted first."""
        history, shapes = mode == "scd2", None
        if self._target.exists():
            if self._options.drift not in {"freeze", "evolve"}:
                shapes = (self._target.columns(), data)
            target = self._target.adapted(data, self._options, history=history)
        else:
            target = self._target.create(data, () if mode == "append" else keys, history=history)
        outlet = Outlet(self._db, self._target, target, shapes, self._reject,
                        quarantine=self._options.drift == "quarantine",
                        values=self._options.drift == "discard_value", beside=mark)  # fmt: skip
        if mode == "append":
            return outlet.counted(WriteResult(self._fill(target, outlet.sifted(frames))))
        kept = [column for column in data if column.name in target.c]
        stage = self._target.stage([*kept, *([Column(mark, DataType.BOOLEAN)] if mark else [])], target)
        rows = self._fill(stage, outlet.sifted(frames))
        check_keys(self._db, stage, keys)
        names = [column.name for column in kept]
        result = Staged(self._db, target, stage, names, keys, mark=mark, merges=self._merges).apply(mode, rows)
        self._target.unstage(stage)
        return outlet.counted(result)

    def _overwrite(self, columns: Sequence[Column], frames: Iterator[pl.DataFrame]) -> WriteResult:
        if not self._target.exists():
            return WriteResult(self._fill(self._target.create(columns, ()), frames))
        stage = self._target.stage(columns)
        rows = self._fill(stage, frames)
        self._target.replace(stage)
        return WriteResult(rows)

    def _fill(self, table: sa.Table, frames: Iterator[pl.DataFrame]) -> int:
        rows = 0
        for frame in frames:
            if frame.height:
                self._load(self._db, table, frame)
                rows += frame.height
        return rows
