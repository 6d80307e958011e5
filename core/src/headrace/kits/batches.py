"""Lazy rows handed on batch by batch: the half of `read` that every connector with a `scan` shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from headrace.sdk.types import Column

BATCH_BYTES = 16 * 2**20
GROUP_BYTES = 8 * 2**20
"""Of rows in a row group of Parquet: who reads the file has some ten groups in memory at once."""


def group_rows(rows: int, size_bytes: int) -> int:
    """Rows of a row group, where so many rows take so many bytes."""
    return max(1_000, min(2**20, rows * GROUP_BYTES // max(1, size_bytes)))


def later(frame: pl.LazyFrame, cursor: Column, after: object) -> pl.LazyFrame:
    """The rows whose cursor is greater, in its order."""
    import polars as pl

    from headrace.sdk.frames import polars_dtype

    return frame.filter(pl.col(cursor.name) > pl.lit(after).cast(polars_dtype(cursor))).sort(cursor.name)


def in_batches(
    frame: pl.LazyFrame, batch_rows: int, within: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Iterator[pl.DataFrame]:
    """The rows in the frame's order, each batch of so many rows and `BATCH_BYTES` at most; none is empty.

    Args:
        frame: Of the columns that are wanted.
        batch_rows: At most.
        within: Surrounds the reading, never the one who takes the batch: it says an engine's errors in one sentence.
    """
    batches = frame.collect_batches(chunk_size=batch_rows, maintain_order=True)
    while True:
        with within():
            batch = next(batches, None)
        if batch is None:
            return
        if batch.height:
            rows = max(1, min(batch_rows, batch.height * BATCH_BYTES // max(1, int(batch.estimated_size()))))
            for start in range(0, batch.height, rows):
                yield batch.slice(start, rows)
