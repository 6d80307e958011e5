"""Records of texts into typed columns: good ones into Parquet in scratch, wrong ones to `reject`."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from headrace.kits.files.options import ReadOptions
from headrace.sdk.connectors import Reject, Rejector
from headrace.sdk.errors import DataError

BATCH_ROWS = 50_000
BATCH_BYTES = 32 * 2**20
Record: TypeAlias = tuple[int, Sequence[str | None], str]
"""Line or number in the file, fields, and what is wrong with it."""


def table(
    records: Iterable[Record], source: str, schema: dict[str, Any], options: ReadOptions, reject: Rejector | None,
    scratch: Path,
) -> pl.LazyFrame:  # fmt: skip
    """Lazy rows of the records that fit.

    Raises:
        DataError: one does not and there is no `reject`; names file, line and reason.
    """
    names, width, sign = list(schema), len(schema), options.delimiter or ","
    start = scratch / secrets.token_hex(8)
    parts: list[Path] = []

    def refuse(rejects: Sequence[Reject]) -> None:
        if rejects and reject is None:
            one = rejects[0]
            raise DataError(
                f"'{source}' line {one.row}: {one.reason}; correct the file, or connect the error port to keep "
                "the other rows",
                row=one.row,
                field=one.column or "stream",
            )
        if rejects and reject is not None:
            reject(rejects)

    def flush(rows: list[Sequence[str | None]], lines: list[int]) -> None:
        frame, rejects = _typed(rows, lines, names, schema, options)
        refuse(rejects)
        parts.append(start.with_name(f"{start.name}-{len(parts)}.parquet"))
        frame.write_parquet(parts[-1])

    rows: list[Sequence[str | None]] = []
    lines: list[int] = []
    size = 0
    for line, fields, problem in records:
        if not fields and not problem:
            continue
        if problem or len(fields) != width:
            reason = problem or f"it has {len(fields)} fields instead of {width}"
            refuse([Reject(line, reason, data=_said(fields, sign).encode(errors="replace").decode())])
            continue
        rows.append(fields)
        lines.append(line)
        size += sum(len(field or "") for field in fields)
        if len(rows) >= BATCH_ROWS or size > BATCH_BYTES:
            flush(rows, lines)
            rows, lines, size = [], [], 0
    flush(rows, lines)
    return pl.scan_parquet(parts, glob=False)


def _said(fields: Sequence[str | None], sign: str) -> str:
    return sign.join(field or "" for field in fields)[:10_000]


def _typed(
    rows: list[Sequence[str | None]], lines: list[int], names: list[str], schema: dict[str, Any], options: ReadOptions
) -> tuple[pl.DataFrame, list[Reject]]:
    """Rows with their types; those with a value that does not fit are rejects."""
    nothing = {None, "", *options.null_values}
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    texts = pl.DataFrame(
        [
            pl.Series(n, [None if v in nothing else v for v in c], dtype=pl.String)
            for n, c in zip(names, columns, strict=True)
        ]
    )
    made = texts.select(_cast(name, kind) for name, kind in schema.items())
    wrong = pl.DataFrame({name: texts[name].is_not_null() & made[name].is_null() for name in names})
    bad = wrong.select(pl.any_horizontal(pl.all())).to_series()
    rejects = []
    for index in bad.arg_true().to_list():
        column = next(name for name in names if wrong[name][index])
        reason = f"column '{column}': '{str(texts[column][index])[:100]}' is no {schema[column]}"
        rejects.append(Reject(lines[index], reason, column, _said(rows[index], options.delimiter or ",")))
    return made.filter(~bad), rejects


def _cast(name: str, kind: Any) -> pl.Expr:
    text = pl.col(name)
    if kind == pl.Boolean:
        return text.str.to_lowercase().replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        )
    if kind == pl.Date:
        return text.str.to_date(strict=False)
    if isinstance(kind, pl.Datetime) or kind == pl.Datetime:
        return text.str.to_datetime(
            strict=False, time_unit=getattr(kind, "time_unit", "us"), time_zone=getattr(kind, "time_zone", None)
        )
    if kind == pl.Time:
        return text.str.to_time(strict=False)
    return text if kind == pl.String else text.cast(kind, strict=False)
