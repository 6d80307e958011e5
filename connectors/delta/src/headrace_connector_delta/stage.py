"""The rows of a write on disk until their source has ended, so that a commit has all of them or does not happen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import WriterProperties
from headrace.kits.batches import BATCH_BYTES, group_rows
from headrace.kits.judging import no_key, same_key
from headrace.sdk import Column
from headrace.sdk.frames import polars_schema

from headrace_connector_delta.fitting import Fitting


class Stage:
    """A file of Arrow batches.

    Attributes:
        rows: How many it holds.
    """

    def __init__(self, file: Path, columns: Sequence[Column]) -> None:
        self._file = file
        self._schema = pl.DataFrame(schema=polars_schema(columns)).to_arrow().schema
        self.rows = 0

    def fill(self, frames: Iterator[pl.DataFrame], fitting: Fitting) -> None:
        """Take all frames; small ones become one batch: delta-rs keeps the order of rows within a batch only."""
        with pa.ipc.new_file(self._file, self._schema) as sink:
            waiting: list[pl.DataFrame] = []
            for frame in frames:
                waiting.append(fitting.fit(frame))
                self.rows += frame.height
                if sum(one.estimated_size() for one in waiting) >= BATCH_BYTES:
                    self._put(sink, waiting)
                    waiting = []
            if waiting:
                self._put(sink, waiting)

    def _put(self, sink: Any, frames: Sequence[pl.DataFrame]) -> None:
        table = pl.concat(frames, rechunk=True).to_arrow().cast(self._schema).combine_chunks()
        for batch in table.to_batches():
            sink.write_batch(batch)

    def reader(self) -> Any:
        """Its batches, one in memory at a time."""
        opened = pa.ipc.open_file(pa.memory_map(str(self._file)))
        batches = (opened.get_batch(number) for number in range(opened.num_record_batches))
        return pa.RecordBatchReader.from_batches(self._schema, batches)

    def properties(self) -> WriterProperties:
        """Of the files to write."""
        return WriterProperties(max_row_group_size=group_rows(self.rows, self._file.stat().st_size))

    def check_keys(self, keys: Sequence[str]) -> None:
        """Refuse rows that an upsert cannot tell apart.

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
