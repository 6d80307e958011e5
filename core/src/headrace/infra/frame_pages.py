"""Pages of frames for people: typed columns, rows, and a profile of each column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.sdk.types import Column

if TYPE_CHECKING:
    import polars as pl

CELL_MAX = 10_000
"""Bytes of a cell, in UTF-8 and as JSON."""
PROFILE_ROWS = 1_000_000
"""A profile of a longer frame is taken from its first rows, and says so."""


def page_of(frame: pl.DataFrame | None, columns: Sequence[Column], limit: int) -> dict[str, Any]:
    """The first rows of a frame: `{schema, rows, total_rows, truncated}`."""
    schema = [{"name": c.name, "type": str(c.type), "nullable": c.nullable} for c in columns]
    rows = [] if frame is None else [[cell(value) for value in row] for row in frame.head(limit).iter_rows()]
    return {
        "schema": schema,
        "rows": rows,
        "total_rows": None,
        "truncated": frame is not None and frame.height >= limit,
    }


def write_rows(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]], path: Path) -> int:
    """Write a small frame as Parquet. Returns its size in bytes."""
    import polars as pl

    from headrace.sdk.frames import polars_schema

    pl.DataFrame(list(rows), schema=polars_schema(columns), orient="row").write_parquet(path)
    return path.stat().st_size


def stored_page(
    path: Path, columns: Sequence[Column], *, offset: int, limit: int, total: int, profile: bool
) -> dict[str, Any]:
    """A page of a stored frame, with a profile when asked."""
    import polars as pl

    frame = pl.scan_parquet(path)
    page = page_of(frame.slice(offset, limit).collect(), columns, limit)
    page["total_rows"], page["truncated"] = total, offset + limit < total
    page["profile"] = None
    if profile:
        page["profile"] = _profile(frame.head(PROFILE_ROWS))
    return page


def _profile(frame: pl.LazyFrame) -> dict[str, dict[str, Any]]:
    import polars as pl

    found: dict[str, dict[str, Any]] = {}
    asked = []
    for name, kind in frame.collect_schema().items():
        asked.append(pl.col(name).null_count().alias(f"{name}\0null_count"))
        found[name] = {"null_count": None, "distinct_count": None, "min": None, "max": None}
        if not kind.is_nested():
            asked.append(pl.col(name).approx_n_unique().alias(f"{name}\0distinct_count"))
        if kind.is_numeric() or kind.is_temporal() or kind == pl.String:
            asked += [pl.col(name).min().alias(f"{name}\0min"), pl.col(name).max().alias(f"{name}\0max")]
    for key, value in frame.select(asked).collect(engine="streaming").row(0, named=True).items() if asked else ():
        name, _, measure = key.partition("\0")
        found[name][measure] = cell(value)
    return found


def cell(value: Any) -> Any:
    """A value as JSON can carry it: times as ISO text, decimals and long integers as text, long texts cut."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _cut(value, CELL_MAX)
    if isinstance(value, bytes):
        return f"{len(value)} bytes: {value[:32].hex()}"
    if isinstance(value, list | dict):
        return _nested(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def fitted(row: list[Any], most: int) -> list[Any]:
    """A row of at most about `most` bytes: long cells are cut as text."""
    share = max(16, most // max(1, len(row)) - 8)
    sizes = [len(msgspec.json.encode(value)) for value in row]
    return [_cut(value if isinstance(value, str) else msgspec.json.encode(value).decode(), share // 2)
            if size > share else value for value, size in zip(row, sizes, strict=True)]  # fmt: skip


def _nested(value: list[Any] | dict[str, Any]) -> Any:
    if isinstance(value, list):
        plain: Any = [cell(item) for item in value[:100]]
        if len(value) > 100:
            plain.append(f"… {len(value) - 100:,} more")
    else:
        plain = {key: cell(item) for key, item in value.items()}
    text = msgspec.json.encode(plain)
    return plain if len(text) <= CELL_MAX else _cut(text.decode(), CELL_MAX)


def _cut(text: str, most: int) -> str:
    """The beginning of a text, by bytes of UTF-8."""
    if len(text) * 4 <= most or len(raw := text.encode("utf-8", "replace")) <= most:
        return text
    return raw[: most - 3].decode("utf-8", "ignore") + "…"
