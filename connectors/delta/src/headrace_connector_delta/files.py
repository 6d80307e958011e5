"""Rows of the files that a log names: on this machine by Polars, in a bucket a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl
from headrace.kits.files.row_files import framed, lazily
from headrace.kits.files.s3_fs import S3FileSystem
from headrace.sdk import ConfigError, DataError

if TYPE_CHECKING:
    from deltalake import DeltaTable

_PARTITION = "partition."


def _outside(name: str) -> ConfigError:
    return ConfigError(
        f"the table '{name}' has a file outside of its folder, which is not read; copy the table whole", field="stream"
    )


def _gone(name: str, path: str) -> DataError:
    return DataError(f"a file of the table '{name}' is gone or cut off; restore it", detail=path)


def local_rows(folder: Path, name: str, table: DeltaTable) -> pl.LazyFrame:
    """Lazy rows of files that lie in the table's folder and are as long as its log says.

    Raises:
        ConfigError: the log leads out of the folder.
        DataError: a file is not whole; Polars would end without a word.
    """
    for path, size in _added(table).select("path", "size_bytes").iter_rows():
        file = (folder / unquote(path)).resolve()
        if not file.is_relative_to(folder):
            raise _outside(name)
        if not file.is_file() or file.stat().st_size != size:
            raise _gone(name, path)
    return pl.scan_delta(table)


def named_files(name: str, table: DeltaTable) -> Iterator[tuple[str, int]]:
    """Paths below the table, and their sizes.

    Raises:
        ConfigError: the log leads out of the folder.
    """
    for written, size in _added(table).select("path", "size_bytes").iter_rows():
        path = unquote(written)
        if path.startswith("/") or ":" in path.partition("/")[0] or ".." in path.split("/"):
            raise _outside(name)
        yield path, size


def distant_rows(fs: S3FileSystem, at: str, name: str, table: DeltaTable) -> pl.LazyFrame:
    """Lazy rows of files in a bucket: only the columns asked for are fetched."""
    schema = pl.scan_delta(table).collect_schema()
    files = list(named_files(name, table))
    found = _added(table)
    parts = found.select(column for column in found.columns if column.startswith(_PARTITION)).to_dicts()

    def pieces(columns: list[str] | None) -> Iterator[pl.DataFrame]:
        wanted = pl.Schema({key: schema[key] for key in (schema if columns is None else columns)})
        for (path, size), values in zip(files, parts or [{}] * len(files), strict=True):
            fixed = {key.removeprefix(_PARTITION): value for key, value in values.items()}
            yield from _groups(fs, f"{at}/{path}", size, name, wanted, fixed)

    return lazily(schema, pieces)


def _groups(
    fs: S3FileSystem, path: str, size: int, name: str, wanted: pl.Schema, fixed: dict[str, Any]
) -> Iterator[pl.DataFrame]:
    """Row groups of a file, with the columns of the table in its types."""
    import pyarrow.parquet as pq

    try:
        whole = fs.info(path)["size"] == size
    except FileNotFoundError:
        whole = False
    if not whole:
        raise _gone(name, path)
    with fs.open(path, "rb", cache_type="none") as file, pq.ParquetFile(file, pre_buffer=True) as parquet:
        stored = [column for column in wanted if column in parquet.schema_arrow.names and column not in fixed]
        for number in range(parquet.num_row_groups):
            rows = parquet.metadata.row_group(number).num_rows
            frame = framed(parquet.read_row_group(number, columns=stored)) if stored else None
            yield pl.DataFrame(
                [
                    frame[column].cast(kind)
                    if frame is not None and column in stored
                    else pl.repeat(fixed.get(column), rows, dtype=kind, eager=True).alias(column)
                    for column, kind in wanted.items()
                ]
            )


def _added(table: DeltaTable) -> pl.DataFrame:
    return pl.DataFrame(table.get_add_actions(flatten=True))
