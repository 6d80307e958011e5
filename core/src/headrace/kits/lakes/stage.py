"""The rows of a write on disk until their source has ended, so that a commit has all of them or does not happen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from headrace.kits.batches import BATCH_BYTES, group_rows
from headrace.kits.judging import no_key, one_shape, same_key
from headrace.kits.lakes.fitting import Fitting
from headrace.sdk.frames import polars_schema

MARK = "headrace deletes"


class Stage:
    """A file of Arrow batches, with a mark of the rows that delete.

    Args:
        file: Where.
        fitting: Of the rows.

    Attributes:
        rows: How many it holds.
        schema: Of the rows, as Arrow has it.
        marked: The same, with the mark.
    """

    def __init__(self, file: Path, fitting: Fitting) -> None:
        self._file, self._fitting, self.rows = file, fitting, 0
        self.schema: Any = pl.DataFrame(schema=polars_schema(fitting.columns)).to_arrow().schema
        self.marked: Any = self.schema.append(pa.field(MARK, pa.bool_()))

    def fill(self, frames: Iterator[pl.DataFrame], schema: pl.Schema, mark: str) -> None:
        """Take all frames; small ones become one batch: some engines keep the order of rows within a batch only.

        Args:
            frames: Of one shape.
            schema: That shape.
            mark: Column of the rows that delete, or none.
        """
        with pa.ipc.new_file(self._file, self.marked) as sink:
            waiting: list[pl.DataFrame] = []
            for frame in one_shape(frames, schema):
                waiting.append(self._fitted(frame, mark))
                self.rows += waiting[-1].height
                if sum(one.estimated_size() for one in waiting) >= BATCH_BYTES:
                    self._put(sink, waiting)
                    waiting = []
            if waiting:
                self._put(sink, waiting)

    def _fitted(self, frame: pl.DataFrame, mark: str) -> pl.DataFrame:
        marks = frame[mark].fill_null(value=False) if mark else pl.repeat(False, frame.height, eager=True)
        fitted, beside = self._fitting.fit(frame.drop(mark) if mark else frame, marks.alias(MARK).to_frame())
        return fitted.with_columns(beside[MARK])

    def _put(self, sink: Any, frames: Sequence[pl.DataFrame]) -> None:
        for batch in pl.concat(frames, rechunk=True).to_arrow().cast(self.marked).combine_chunks().to_batches():
            sink.write_batch(batch)

    def check_keys(self, keys: Sequence[str]) -> None:
        """Refuse rows that keys cannot tell apart.

        Raises:
            DataError: naming the keys and a sample.
        """
        if not self.rows:
            return
        found = pl.scan_ipc(self._file).select(keys)
        empty = found.filter(pl.any_horizontal(pl.col(keys).is_null())).select(pl.len()).collect().item()
        if empty:
            raise no_key(empty, keys)
        double = found.group_by(keys).agg(pl.len().alias("headrace rows")).filter(pl.col("headrace rows") > 1)
        first = double.head(1).collect(engine="streaming").rows()
        if first:
            raise same_key(first[0][-1], keys, first[0])

    def keys(self, keys: Sequence[str]) -> pl.DataFrame:
        """The keys and marks of all rows."""
        return pl.scan_ipc(self._file).select(*keys, MARK).collect()

    @property
    def group_rows(self) -> int:
        """Rows of a row group in the files to write."""
        return group_rows(self.rows, self._file.stat().st_size)

    def batches(self, *, marked: bool = False) -> Iterator[Any]:
        """Its rows, one batch in memory at a time: those that stay, or with their marks all."""
        opened = pa.ipc.open_file(pa.memory_map(str(self._file)))
        for number in range(opened.num_record_batches):
            batch = opened.get_batch(number)
            yield batch if marked else batch.filter(pa.compute.invert(batch.column(MARK))).select(self.schema.names)
