"""The rows of a write on disk until their source has ended, so that a commit has all of them or does not happen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from headrace.kits.batches import group_rows
from headrace.kits.judging import no_key, same_key
from headrace.sdk import Column
from headrace.sdk.frames import polars_schema

MARK = "headrace deletes"


class Stage:
    """A file of Arrow batches, with a mark of the rows that delete.

    Attributes:
        rows: How many it holds.
        schema: Of the rows, as Arrow has it.
    """

    def __init__(self, file: Path, columns: Sequence[Column]) -> None:
        self._file, self.rows = file, 0
        self.schema: Any = pl.DataFrame(schema=polars_schema(columns)).to_arrow().schema

    def fill(self, frames: Iterator[tuple[pl.DataFrame, pl.Series]]) -> None:
        """Take all rows, each frame with its marks."""
        schema = self.schema.append(pa.field(MARK, pa.bool_()))
        with pa.ipc.new_file(self._file, schema) as sink:
            for frame, marks in frames:
                self.rows += frame.height
                made = frame.with_columns(marks.fill_null(value=False).alias(MARK)).to_arrow()
                for batch in made.cast(schema).combine_chunks().to_batches():
                    sink.write_batch(batch)

    def keys(self, keys: Sequence[str]) -> pl.DataFrame:
        """The keys and marks of all rows.

        Raises:
            DataError: rows that keys cannot tell apart, naming the keys and a sample.
        """
        found = pl.scan_ipc(self._file).select(*keys, MARK).collect()
        empty = found.filter(pl.any_horizontal(pl.col(keys).is_null())).height
        if empty:
            raise no_key(empty, keys)
        double = found.filter(pl.struct(keys).is_duplicated()).head(1)
        if double.height:
            count = found.join(double, on=list(keys), how="semi").height
            raise same_key(count, keys, double.row(0))
        return found

    @property
    def group_rows(self) -> int:
        """Rows of a row group in the files to write."""
        return group_rows(self.rows, self._file.stat().st_size)

    def batches(self) -> Iterator[Any]:
        """Its rows but those that delete, one batch in memory at a time."""
        opened = pa.ipc.open_file(pa.OSFile(str(self._file)))
        for number in range(opened.num_record_batches):
            batch = opened.get_batch(number)
            yield batch.filter(pa.compute.invert(batch.column(MARK))).select(self.schema.names)
