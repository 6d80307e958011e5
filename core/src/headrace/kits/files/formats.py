"""Formats to read: a lazy scan of files on this machine. What cannot be read in pieces has a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from headrace.kits.files import csv_scan, documents, row_files
from headrace.kits.files.dialect import as_utf8
from headrace.kits.files.options import ReadOptions
from headrace.sdk.connectors import Rejector
from headrace.sdk.errors import ConfigError, DataError, HeadraceError

TITLES = {
    "parquet": "Parquet", "excel": "Excel", "json": "JSON", "ndjson": "NDJSON", "avro": "Avro", "orc": "ORC",
    "arrow": "Arrow", "xml": "XML", "yaml": "YAML", "fixed": "fixed-width",
}  # fmt: skip
SHEET_BYTES = 512 * 2**20


def scan(
    paths: Sequence[Path], kind: str, options: ReadOptions, reject: Rejector | None, scratch: Path
) -> list[pl.LazyFrame]:
    """Lazy rows of each file of one format.

    Raises:
        DataError: a file is not of the format, or a row does not fit.
    """
    if kind in {"csv", "tsv"}:
        said = msgspec.structs.replace(options, format=kind)
        return [csv_scan.scan(as_utf8(path, options.encoding, scratch), said, reject, scratch) for path in paths]
    return [_one(path, kind, options, reject, scratch) for path in paths]


def _one(path: Path, kind: str, options: ReadOptions, reject: Rejector | None, scratch: Path) -> pl.LazyFrame:
    readers: dict[str, Callable[[], pl.LazyFrame]] = {
        "parquet": lambda: _checked(pl.scan_parquet(path, glob=False)),
        "arrow": lambda: _checked(pl.scan_ipc(path, glob=False)),
        "orc": lambda: row_files.orc(path),
        "avro": lambda: row_files.avro(path),
        "excel": lambda: _excel(path, options),
        "json": lambda: documents.json(path, options),
        "yaml": lambda: documents.yaml(path, options),
        "ndjson": lambda: documents.ndjson(path, reject, scratch),
        "xml": lambda: documents.xml(path, options, reject, scratch),
        "fixed": lambda: documents.fixed(as_utf8(path, options.encoding, scratch), options, reject, scratch),
    }
    try:
        return readers[kind]()
    except HeadraceError:
        raise
    except Exception as error:
        raise DataError(
            f"'{path.name}' is cut off or no {TITLES[kind]} file; correct the file or choose its format",
            detail=str(error), field="stream",
        ) from None  # fmt: skip


def _checked(frame: pl.LazyFrame) -> pl.LazyFrame:
    """What such a file is stands at its end, so that one cut off shows at once."""
    frame.collect_schema()
    return frame


def _excel(path: Path, options: ReadOptions) -> pl.LazyFrame:
    """A sheet, whole: its values are indices into one list of texts."""
    import zipfile

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            if sum(item.file_size for item in packed.infolist()) > SHEET_BYTES:
                raise DataError(f"'{path.name}' unpacks to more than {SHEET_BYTES // 2**20} MiB; save it as CSV")
    more: dict[str, Any] = {"sheet_name": options.sheet} if options.sheet else {}
    try:
        book: pl.DataFrame = pl.read_excel(path, **more)
        return book.lazy()
    except ValueError as error:
        if not options.sheet:
            raise
        raise ConfigError(
            f"'{path.name}' has no sheet '{options.sheet}'", field="options.sheet", detail=str(error)
        ) from None
