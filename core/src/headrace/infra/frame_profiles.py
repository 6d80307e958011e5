"""What the columns of a stored frame hold: nulls, distinct values, range, mean, histogram, commonest values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.infra.frame_pages import PROFILE_ROWS, cell
from headrace.sdk.types import Column

if TYPE_CHECKING:
    import polars as pl

BINS = 24
COMMONEST = 8
COLUMNS_MAX = 200
"""Of a wider frame the first ones are looked at, and the answer says so."""


def profiled(path: Path, columns: Sequence[Column], *, total: int) -> dict[str, Any]:
    """The profile of a frame's first columns and rows: how many of both were looked at, and what each column holds.

    One column is in memory at a time.
    """
    import polars as pl

    frame = pl.scan_parquet(path)
    found = []
    for column in columns[:COLUMNS_MAX]:
        values = frame.select(pl.col(column.name)).head(PROFILE_ROWS).collect().to_series()
        found.append({"name": column.name, "type": str(column.type), **_column(values)})
    rows = min(total, PROFILE_ROWS)
    return {"rows": rows, "total_rows": total, "whole": rows == total, "total_columns": len(columns), "columns": found}


def _column(values: pl.Series) -> dict[str, Any]:
    """Of one column; `not_finite` values are in no range and no histogram."""
    import polars as pl

    kind = values.dtype
    found: dict[str, Any] = {
        "null_count": values.null_count(), "distinct_count": None, "min": None, "max": None, "mean": None,
        "not_finite": 0, "histogram": None, "commonest": [],
    }  # fmt: skip
    there = values.drop_nulls()
    if kind.is_nested() or kind == pl.Binary:
        return found
    found["distinct_count"] = there.n_unique()
    if kind.is_float():
        finite = there.filter(there.is_finite())
        found["not_finite"], there = len(there) - len(finite), finite
    if kind.is_numeric() or kind.is_temporal():
        if len(there):
            found["min"], found["max"] = cell(there.min()), cell(there.max())
            found["mean"] = cell(there.mean()) if kind.is_numeric() else None
            found["histogram"] = list(_counts(there))
        return found
    if kind == pl.String and len(there):
        found["min"], found["max"] = cell(there.min()), cell(there.max())
    common = there.value_counts(sort=True).head(COMMONEST)
    found["commonest"] = [{"value": cell(value), "count": count} for value, count in common.iter_rows()]
    return found


def _counts(values: pl.Series) -> Iterator[int]:
    """How many values are in each of `BINS` equal parts of their range; one part where all are equal."""
    import polars as pl

    numbers = values.to_physical() if values.dtype.is_temporal() else values
    numbers = numbers.cast(pl.Float64)
    low, high = float(numbers.min()), float(numbers.max())  # type: ignore[arg-type]
    width = (high - low) / BINS
    if not width > 0:
        yield len(numbers)
        return
    bins = ((numbers / width) - low / width).floor().clip(0, BINS - 1).cast(pl.Int64)
    counted = dict(bins.value_counts().iter_rows())
    yield from (counted.get(number, 0) for number in range(BINS))
