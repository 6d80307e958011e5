"""Shared nasty data: what real columns hold and naive code breaks on."""
# ruff: noqa: DTZ001 - local times and odd letters on purpose

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

HOSTILE_NAMES: Final = (
    "select",
    "with space",
    'double"quote',
    "single'quote",
    "semi;colon",
    "per%cent",
    "back\\slash",
    "üñí",
    "雪",
    "a.b",
    "$1",
    "{{ x }}",
    "new\nline",
    "UPPER",
    "emoji🙂",
    "--comment",
    "`tick`",
    "[bracket]",
)
"""Column names that must survive quoting."""

TEXTS: Final = (
    "",
    " ",
    "plain",
    "o'clock",
    'say "hi"',
    "a,b;c\td",
    "line\nbreak\r\n",
    "back\\slash",
    "🙂 emoji",
    "日本語",
    "é",
    "é",
    "NULL",
    "null",
    "\\N",
    "true",
    "0012",
    "1e300",
    "%s %(x)s {0} $1",
    "'; DROP TABLE x; --",
    "<script>",
    "\u200b",
    "x" * 5_000,
)
"""Texts that must come back as they went."""


def nasty_frame() -> pl.DataFrame:
    """Every plain logical type with its extremes, nulls and hostile texts; 24 rows, the last all null but the id."""
    import polars as pl

    rows = len(TEXTS)

    def cycle(values: list[object]) -> list[object]:
        return [values[index % len(values)] for index in range(rows)] + [None]

    return pl.DataFrame(
        {
            "id": list(range(rows + 1)),
            "text": [*TEXTS, None],
            "small": cycle([0, -1, 127, None]),
            "whole": cycle([0, -(2**63), 2**63 - 1, None]),
            "real": cycle([0.0, -0.5, 1e300, 1e-300, 0.1, None]),
            "exact": cycle([Decimal("0.00"), Decimal("-99999999.99"), Decimal("12345678.90"), None]),
            "yes": cycle([True, False, None]),
            "day": cycle([dt.date(1, 1, 1), dt.date(1900, 2, 28), dt.date(2024, 2, 29), dt.date(9999, 12, 31), None]),
            "moment": cycle([dt.datetime(1970, 1, 1), dt.datetime(2024, 2, 29, 23, 59, 59, 999999), None]),
            "bytes": cycle([b"", b"\x00\xff", b"text", None]),
        },
        schema={
            "id": pl.Int64,
            "text": pl.String,
            "small": pl.Int8,
            "whole": pl.Int64,
            "real": pl.Float64,
            "exact": pl.Decimal(12, 2),
            "yes": pl.Boolean,
            "day": pl.Date,
            "moment": pl.Datetime("us"),
            "bytes": pl.Binary,
        },
    )


def hostile_frame() -> pl.DataFrame:
    """Two rows under every hostile column name."""
    import polars as pl

    return pl.DataFrame({name: [index, None] for index, name in enumerate(HOSTILE_NAMES)})


def big_frames(rows: int = 1_000_000, *, batch_rows: int = 50_000) -> Iterator[pl.DataFrame]:
    """A large table in batches: `id`, a group, a number and a text; the same each time."""
    import polars as pl

    for start in range(0, rows, batch_rows):
        ids = pl.int_range(start, min(start + batch_rows, rows), eager=True, dtype=pl.Int64)
        yield pl.DataFrame({"id": ids}).with_columns(
            (pl.col("id") % 1_000).alias("group"),
            (pl.col("id") * 0.25).alias("value"),
            pl.format("row {}", pl.col("id")).alias("text"),
        )


def wide_frames(rows: int, *, batch_rows: int = 20_000) -> Iterator[pl.DataFrame]:
    """Rows of about 256 bytes, so that a table of them is too large to hide in memory."""
    import polars as pl

    for start in range(0, rows, batch_rows):
        ids = pl.int_range(start, min(start + batch_rows, rows), eager=True, dtype=pl.Int64)
        yield pl.DataFrame({"id": ids}).with_columns(text=pl.format("{}" + "x" * 240, pl.col("id")))
