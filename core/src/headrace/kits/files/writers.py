"""Formats to write: each takes frame after frame into one file, in bounded memory."""

from __future__ import annotations

import datetime as dt
import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import polars as pl

from headrace.kits.files.archives import compressing
from headrace.kits.files.options import WriteOptions
from headrace.kits.files.paths import ARCHIVES, packing
from headrace.sdk.errors import ConfigError, DataError

EXCEL_ROWS_MAX = 1_048_576


class Writer(ABC):
    """Writes one file. The first frame brings the columns; `close` finishes it."""

    def __init__(self, path: Path, kind: str, options: WriteOptions, packed: str) -> None:
        self.path, self.kind, self.options, self.packed = path, kind, options, packed
        self.rows = 0

    @abstractmethod
    def write(self, frame: pl.DataFrame) -> None:
        """Add rows."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file; one that was not begun is not there."""


def writer(path: Path, name: str, kind: str, options: WriteOptions) -> Writer:
    """A writer into `path` of what will be called `name`.

    Raises:
        ConfigError: the format is not written.
    """
    kinds: dict[str, type[Writer]] = {
        "parquet": Arrowed,
        "arrow": Arrowed,
        "orc": Arrowed,
        "excel": Excel,
        "avro": Avro,
    }
    made = kinds.get(kind, Text)
    layers = packing(name)
    if kind in {"xml", "yaml", "fixed"}:
        raise ConfigError(f"'{name}' cannot be written: {kind} is only read; choose another format", field="stream")
    if len(layers) > 1 or (layers and (layers[0] in ARCHIVES or made is not Text)):
        raise ConfigError(f"'{name}' cannot be compressed that way; leave '{layers[0]}' out", field="stream")
    return made(path, kind, options, layers[0] if layers else "")


class Text(Writer):
    """CSV, TSV, JSON and NDJSON."""

    _file: Any = None

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows."""
        first = self._file is None
        if first:
            self._file = compressing(self.path, self.packed)
        if self.kind in {"csv", "tsv"}:
            separator = self.options.delimiter or ("\t" if self.kind == "tsv" else ",")
            self._file.write(flat(frame).write_csv(include_header=first, separator=separator).encode())
        elif self.kind == "ndjson":
            self._file.write(frame.write_ndjson().encode())
        else:
            body = frame.write_json().strip()[1:-1]
            self._file.write(b"[" if first else b"")
            self._file.write((("," if self.rows and body else "") + body).encode())
        self.rows += frame.height

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            if self.kind == "json":
                self._file.write(b"]")
            self._file.close()


class Arrowed(Writer):
    """Parquet, Arrow and ORC."""

    _file: Any = None
    _schema: Any = None

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows."""
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._file is None:
            self._schema = table.schema
            self._file = self._begun()
        self._write(table.cast(self._schema))
        self.rows += frame.height

    def _begun(self) -> Any:
        import pyarrow as pa

        if self.kind == "parquet":
            import pyarrow.parquet as pq

            return pq.ParquetWriter(self.path, self._schema, compression="zstd")
        if self.kind == "arrow":
            return pa.ipc.new_file(str(self.path), self._schema)
        from pyarrow import orc

        return orc.ORCWriter(str(self.path), compression="zstd")

    def _write(self, table: Any) -> None:
        if self.kind == "orc":
            self._file.write(table)
        else:
            self._file.write_table(table)

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()


class Avro(Writer):
    """Avro, a block a frame."""

    _file: Any = None
    _writer: Any = None
    _casts: Any = None

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows.

        Raises:
            ConfigError: a column's name or type is none of Avro's.
        """
        from fastavro.write import Writer as Blocks

        if self._writer is None:
            fields = [{"name": name, "type": ["null", _avro(name, kind)]} for name, kind in frame.schema.items()]
            self._file = self.path.open("wb")
            schema = {"type": "record", "name": "row", "fields": fields}
            self._writer = Blocks(self._file, schema, codec="deflate")
        for row in frame.iter_rows(named=True):
            self._writer.write(row)
        self._writer.flush()
        self.rows += frame.height

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()


def _avro(name: str, kind: Any) -> Any:
    if not (name.isascii() and name.isidentifier()):
        raise ConfigError(f"Avro has no column '{name}': it wants letters, digits and _; rename it", column=name)
    plain = {pl.Boolean: "boolean", pl.String: "string", pl.Binary: "bytes", pl.Float64: "double", pl.Float32: "float"}
    base = kind.base_type()
    if base in plain:
        return plain[base]
    if kind.is_integer() and base not in {pl.UInt64, pl.Int128}:
        return "long"
    if base == pl.Date:
        return {"type": "int", "logicalType": "date"}
    if base == pl.Datetime:
        local = "" if kind.time_zone else "local-"
        return {"type": "long", "logicalType": f"{local}timestamp-micros"}
    if base == pl.Decimal:
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    if base == pl.List:
        return {"type": "array", "items": ["null", _avro("item", kind.inner)]}
    raise ConfigError(f"Avro has no type for column '{name}' ({kind}); cast it, or write Parquet", column=name)


class Excel(Writer):
    """One sheet with a header."""

    _book: Any = None

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows.

        Raises:
            DataError: there are more than a sheet holds.
        """
        import xlsxwriter

        if self.rows + frame.height + 1 > EXCEL_ROWS_MAX:
            raise DataError(
                f"an Excel sheet holds {EXCEL_ROWS_MAX - 1} rows; write Parquet or CSV instead, or limit the rows"
            )
        if self._book is None:
            self._book = xlsxwriter.Workbook(
                self.path, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
            )
            self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
            self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
            sheet = self._book.add_worksheet()
            sheet.write_row(0, 0, frame.columns, self._book.add_format({"bold": True}))
        for number, row in enumerate(flat(frame).iter_rows(), self.rows + 1):
            for index, value in enumerate(row):
                if value is not None:
                    self._cell(number, index, value)
        self.rows += frame.height

    def _cell(self, row: int, column: int, value: Any) -> None:
        sheet = self._book.worksheets()[0]
        if isinstance(value, bool | int | float | str):
            sheet.write(row, column, value)
        elif isinstance(value, dt.datetime):
            sheet.write_datetime(row, column, value.replace(tzinfo=None), self._moment)
        elif isinstance(value, dt.date):
            sheet.write_datetime(row, column, value, self._day)
        else:
            sheet.write(row, column, str(value))

    def close(self) -> None:
        """Finish the file."""
        if self._book is not None:
            self._book.close()


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Nested values as JSON text, bytes as hex, durations as microseconds: a text cell holds nothing else."""
    changed: list[Any] = []
    for name, kind in frame.schema.items():
        if kind.is_nested():
            texts = [None if value is None else json.dumps(value, default=str) for value in frame[name].to_list()]
            changed.append(pl.Series(name, texts, dtype=pl.String))
        elif kind == pl.Binary:
            changed.append(pl.col(name).bin.encode("hex"))
        elif kind == pl.Duration:
            changed.append(pl.col(name).dt.total_microseconds())
    return frame.with_columns(changed) if changed else frame
