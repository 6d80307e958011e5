"""Formats: a lazy scan to read, a writer that takes frame after frame."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import polars as pl

from headrace.kits.files import csv_scan
from headrace.kits.files.options import ReadOptions, WriteOptions
from headrace.sdk.connectors import Rejector
from headrace.sdk.errors import ConfigError, DataError

_TITLES = {"parquet": "Parquet", "excel": "Excel", "json": "JSON", "ndjson": "NDJSON"}
EXCEL_ROWS_MAX = 1_048_576


def scan(
    paths: Sequence[Path], kind: str, options: ReadOptions, reject: Rejector | None = None, scratch: Path | None = None
) -> pl.LazyFrame:
    """Lazy rows of files of one format; columns by name, missing ones null.

    Raises:
        DataError: a file is not of the format, or a row does not fit.
    """
    if kind in {"csv", "tsv"}:
        options = options if options.format == kind else _with_format(options, kind)
        frames = [csv_scan.scan(path, options, reject, scratch) for path in paths]
    elif kind == "parquet":
        frames = [_parquet(path) for path in paths]
    else:
        frames = [_eager(path, kind, options).lazy() for path in paths]
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")


def _with_format(options: ReadOptions, kind: Any) -> ReadOptions:
    import msgspec

    return msgspec.structs.replace(options, format=kind)


def _parquet(path: Path) -> pl.LazyFrame:
    """Lazy rows; what a Parquet file is stands at its end, so that one cut off shows at once."""
    try:
        pl.read_parquet_schema(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, "parquet", error) from None
    return pl.scan_parquet(path, glob=False)


def _unreadable(path: Path, kind: str, error: Exception) -> DataError:
    return DataError(
        f"'{path.name}' is cut off or no {_TITLES[kind]} file; correct the file or choose its format",
        detail=str(error), field="stream",
    )  # fmt: skip


def _eager(path: Path, kind: str, options: ReadOptions) -> pl.DataFrame:
    try:
        if kind == "ndjson":
            return pl.read_ndjson(path, infer_schema_length=None)
        if kind == "json":
            return pl.read_json(path, infer_schema_length=None)
        return pl.read_excel(path, sheet_name=options.sheet) if options.sheet else pl.read_excel(path)
    except ValueError as error:
        raise ConfigError(
            f"'{path.name}' has no sheet '{options.sheet}'", field="options.sheet", detail=str(error)
        ) from None
    except Exception as error:
        raise _unreadable(path, kind, error) from None


class Writer:
    """Writes frames into one file, in bounded memory. `close` finishes it."""

    def __init__(self, path: Path, name: str, kind: str, options: WriteOptions) -> None:
        self._path = path
        self._kind = kind
        self._options = options
        self._rows = 0
        self._packed = name.lower().endswith(".gz")
        self._file: IO[bytes] | None = None
        self._parquet: Any = None
        self._book: Any = None

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows; the first frame brings the columns."""
        if self._kind == "parquet":
            self._to_parquet(frame)
        elif self._kind == "excel":
            self._to_excel(frame)
        else:
            self._to_text(frame)
        self._rows += frame.height

    def _to_text(self, frame: pl.DataFrame) -> None:
        first = self._file is None
        if self._file is None:
            opened: Any = gzip.open(self._path, "wb") if self._packed else self._path.open("wb")  # noqa: SIM115
            self._file = opened
        file: Any = self._file
        if self._kind in {"csv", "tsv"}:
            separator = self._options.delimiter or ("\t" if self._kind == "tsv" else ",")
            file.write(_flat(frame).write_csv(include_header=first, separator=separator).encode())
        elif self._kind == "ndjson":
            file.write(frame.write_ndjson().encode())
        else:
            body = frame.write_json().strip()[1:-1]
            file.write(b"[" if first else b"")
            file.write((("," if self._rows and body else "") + body).encode())

    def _to_parquet(self, frame: pl.DataFrame) -> None:
        import pyarrow.parquet as pq

        table = frame.to_arrow()
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._parquet.write_table(table.cast(self._parquet.schema))

    def _to_excel(self, frame: pl.DataFrame) -> None:
        import xlsxwriter

        if self._rows + frame.height + 1 > EXCEL_ROWS_MAX:
            raise DataError(
                f"an Excel sheet holds {EXCEL_ROWS_MAX - 1} rows; write Parquet or CSV instead, or limit the rows"
            )
        if self._book is None:
            self._book = xlsxwriter.Workbook(
                self._path, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
            )
            sheet = self._book.add_worksheet()
            sheet.write_row(0, 0, frame.columns, self._book.add_format({"bold": True}))
        sheet = self._book.worksheets()[0]
        for number, row in enumerate(_flat(frame).iter_rows(), self._rows + 1):
            for index, value in enumerate(row):
                if value is not None:
                    _cell(sheet, self._book, number, index, value)

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            if self._kind == "json":
                self._file.write(b"]")
            self._file.close()
        for part in (self._parquet, self._book):
            if part is not None:
                part.close()


def _cell(sheet: Any, book: Any, row: int, column: int, value: Any) -> None:
    import datetime as dt

    if isinstance(value, bool | int | float | str):
        sheet.write(row, column, value)
    elif isinstance(value, dt.datetime):
        sheet.write_datetime(
            row, column, value.replace(tzinfo=None), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        )
    elif isinstance(value, dt.date):
        sheet.write_datetime(row, column, value, book.add_format({"num_format": "yyyy-mm-dd"}))
    else:
        sheet.write(row, column, str(value))


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Nested values as JSON text, bytes as hex, durations as microseconds: a text cell holds nothing else."""
    import json

    changed: list[Any] = []
    for name, kind in frame.schema.items():
        if kind.is_nested():
            changed.append(
                pl.Series(
                    name,
                    [None if v is None else json.dumps(v, default=str) for v in frame[name].to_list()],
                    dtype=pl.String,
                )
            )
        elif kind == pl.Binary:
            changed.append(pl.col(name).bin.encode("hex"))
        elif kind == pl.Duration:
            changed.append(pl.col(name).dt.total_microseconds())
    return frame.with_columns(changed) if changed else frame
