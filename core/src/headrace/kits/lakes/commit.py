"""The way of every write: rows are on disk and judged until their source has ended, then committed or not at all."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import ClassVar

import polars as pl

from headrace.kits.judging import judged
from headrace.kits.lakes.fitting import Fitting, refuse_nothing
from headrace.kits.lakes.outlet import Outlet
from headrace.kits.lakes.stage import Stage
from headrace.sdk.connectors import Rejector, WriteMode, WriteResult
from headrace.sdk.frames import from_polars
from headrace.sdk.tables import TableOptions
from headrace.sdk.types import Column


class LakeCommit(ABC):
    """One write of one table: one commit with the rows and the key of their effect.

    Args:
        name: Of the table, for people.
        there: Its columns; None if there is no such table yet.
        options: Of the step.
        reject: Takes rows that do not fit.

    Attributes:
        format: For people.
        kept: Columns by which the format keeps all values of others.
    """

    format: ClassVar[str]
    kept: ClassVar[Callable[[Sequence[Column]], list[Column]]]

    def __init__(
        self, name: str, there: Sequence[Column] | None, options: TableOptions, reject: Rejector | None
    ) -> None:
        self.name, self.there, self._options, self._reject = name, there, options, reject

    @abstractmethod
    def done(self, effect_key: str) -> WriteResult | None:
        """The counts of an effect that the table has already."""

    @abstractmethod
    def apply(
        self, stage: Stage, fitting: Fitting, mode: WriteMode, keys: Sequence[str], mark: str, effect_key: str,
        counted: Callable[[WriteResult], WriteResult],
    ) -> WriteResult:  # fmt: skip
        """Commit the staged rows.

        Args:
            stage: The rows.
            fitting: Their columns.
            mode: Of the write.
            keys: Of an upsert or merge.
            mark: Column of rows that delete, or none.
            effect_key: To keep in the commit, with the counts.
            counted: Adds what stayed out to counts.
        """

    def check(self, fitting: Fitting) -> None:  # noqa: B027 - most formats take all columns
        """Refuse columns that the format cannot bring in, before anything is staged."""

    def write(
        self, frames: Iterator[pl.DataFrame], mode: WriteMode, keys: Sequence[str], effect_key: str,
        beside: Callable[[Iterator[pl.DataFrame]], None],
    ) -> WriteResult:  # fmt: skip
        """Write all frames or none; a repeat of an effect takes none. `beside` writes rows to the quarantine."""
        done = self.done(effect_key) if effect_key else None
        first = next(frames, None) if done is None else None
        if first is None:
            return done or WriteResult(0)
        mark = self._options.deletes if mode == "merge" else ""
        judged(from_polars(first.schema), mode, keys, mark)
        schema = pl.Schema({name: kind for name, kind in first.schema.items() if name != mark})
        there, drift = None if mode == "overwrite" else self.there, self._options.drift
        with tempfile.TemporaryDirectory(prefix=f"headrace-{self.format.lower()}-") as scratch:
            outlet = Outlet(Path(scratch), self._reject, quarantine=drift == "quarantine")
            fitting = Fitting(self.name, there, schema, kept=type(self).kept, drift=drift, outlet=outlet)
            self.check(fitting)
            stage = Stage(Path(scratch) / "stage.arrow", fitting)
            stage.fill(chain([first], frames), first.schema, mark)
            refuse_nothing(stage.rows, mode, mark)
            if mode in {"upsert", "merge"}:
                stage.check_keys(keys)
            beside(outlet.quarantined())
            return self.apply(stage, fitting, mode, keys, mark, effect_key, outlet.counted)
