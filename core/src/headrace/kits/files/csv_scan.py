"""CSV with nothing lost: a cheap check of the structure, a fast lazy scan, and a careful reader where lines are wrong.

Polars fills missing fields with nulls without a word; so lines are counted first (vectorised, a fraction of the scan).
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from itertools import compress, islice
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from headrace.kits.files import typed
from headrace.kits.files.dialect import separator
from headrace.kits.files.long_lines import LINE_MAX, LONG, TOO_LONG, bounded_lines, has_long_line, text_lines
from headrace.kits.files.options import ReadOptions
from headrace.sdk.connectors import Rejector
from headrace.sdk.errors import ConfigError, DataError
from headrace.sdk.frames import polars_dtype
from headrace.sdk.types import Column, DataType

SAMPLE_ROWS = 2_000
"""Looking at a value costs about a microsecond; a later value that does not fit is a reject, never a null."""
SAMPLE_BYTES = 2**20
DATE_ROWS = 50
FRESH_NS = 2_000_000_000
State = tuple[int, int, int, int, int]


def scan(path: Path, options: ReadOptions, reject: Rejector | None, scratch: Path | None) -> pl.LazyFrame:
    """Lazy rows of a CSV file; wrong lines go to `reject`.

    Raises:
        DataError: a line is wrong and there is no `reject`; names file, line and reason.
    """
    options = _looked_at(path, options)
    schema = sniff(path, options)
    if _regular(path, options, len(schema)) and (reject is None or _castable(path, options, schema)):
        return _lazy(path, options, schema)
    if scratch is None:
        raise DataError(
            f"'{path.name}' has lines that do not fit its columns; read it in a flow with the error port connected"
        )
    return typed.table(_records(path, options), path.name, schema, options, reject, scratch)


def sniff(path: Path, options: ReadOptions) -> dict[str, Any]:
    """Columns and types, from the header, what the user said, and the first rows; once per state of a file."""
    state = _state(path)
    return dict(_sniffed(path, state, msgspec.json.encode(_looked_at(path, options))))


@lru_cache(maxsize=256)
def _sniffed(path: Path, _seen: State, said_options: bytes) -> dict[str, Any]:
    return infer(_head(path), path.name, msgspec.json.decode(said_options, type=ReadOptions))


def _state(path: Path) -> State:
    """What changes when the file does; of one that has changed a moment ago this moment too, for it may again."""
    found = path.stat()
    changed = max(found.st_mtime_ns, found.st_ctime_ns)
    again = time.monotonic_ns() if abs(time.time_ns() - changed) < FRESH_NS else 0
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, again


def infer(head: bytes, name: str, options: ReadOptions) -> dict[str, Any]:
    """Columns and types of the first lines of a CSV.

    Raises:
        ConfigError: a type that the user said is none.
        DataError: there is nothing, or it is no CSV.
    """
    said = {}
    for column, kind in options.types.items():
        try:
            said[column] = polars_dtype(Column(column, DataType(kind)))
        except ValueError:
            raise ConfigError(
                f"'{kind}' is no type; choose one of {', '.join(DataType)}", field="options.types"
            ) from None
    try:
        looked = {"schema_overrides": said, "truncate_ragged_lines": True, "ignore_errors": True}
        plain = dict(_scan(BytesIO(head), options, infer_schema_length=None, **looked).collect_schema())
        return plain | _moments(head, options, plain, said, looked)
    except pl.exceptions.NoDataError:
        raise DataError(f"'{name}' is empty; it has not even a header; choose another file", field="stream") from None
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"'{name}' cannot be read as CSV; check delimiter and encoding (UTF-8)", detail=str(error)
        ) from None


def _moments(
    head: bytes, options: ReadOptions, plain: dict[str, Any], said: dict[str, Any], looked: dict[str, Any]
) -> dict[str, Any]:
    """Text columns that hold dates and timestamps: guessed from a few rows (Polars is slow at it), tried on all."""
    guess = _scan(BytesIO(head), options, infer_schema_length=DATE_ROWS, try_parse_dates=True, **looked)
    found = {
        name: kind
        for name, kind in guess.collect_schema().items()
        if kind.is_temporal() and plain[name] == pl.String and name not in said
    }
    if not found:
        return {}
    texts, parsed = (
        _scan(BytesIO(head), options, schema=plain | more, truncate_ragged_lines=True, ignore_errors=True)
        .select(pl.col(*found).null_count())
        .collect()
        .row(0)
        for more in ({}, found)
    )
    same = [before == after for before, after in zip(texts, parsed, strict=True)]
    return dict(compress(found.items(), same))


def _head(path: Path) -> bytes:
    """The header and the first rows, by number and bytes: Polars would look at the whole file."""
    taken: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        for line in islice((line for line in bounded_lines(file, path) if line is not None), SAMPLE_ROWS + 1):
            size += len(line)
            if size > SAMPLE_BYTES and len(taken) > 1:
                break
            taken.append(line)
    return b"".join(taken)


def _looked_at(path: Path, options: ReadOptions) -> ReadOptions:
    """The options with the delimiter that is there."""
    if options.delimiter:
        return options
    return msgspec.structs.replace(options, delimiter=_delimiter(path, _state(path), msgspec.json.encode(options)))


@lru_cache(maxsize=256)
def _delimiter(path: Path, _seen: State, said_options: bytes) -> str:
    return separator(_head(path), msgspec.json.decode(said_options, type=ReadOptions))


def _scan(source: Path | BytesIO, options: ReadOptions, **more: Any) -> pl.LazyFrame:
    return pl.scan_csv(
        source,
        separator=options.delimiter or ",",
        has_header=options.header,
        null_values=options.null_values or None,
        glob=False,
        **more,
    )


def _lazy(path: Path, options: ReadOptions, schema: dict[str, Any]) -> pl.LazyFrame:
    return _scan(path, options, schema=schema)


def _regular(path: Path, options: ReadOptions, width: int) -> bool:
    """Whether every line has as many fields as there are columns. With quotes in the file, a real parser counts."""
    return _counted(path, _state(path), msgspec.json.encode(options), width)


@lru_cache(maxsize=256)
def _counted(path: Path, _seen: State, said_options: bytes, width: int) -> bool:
    options = msgspec.json.decode(said_options, type=ReadOptions)
    if has_long_line(path):
        return False
    line = pl.col("line")
    commas = line.str.count_matches(options.delimiter, literal=True)
    wrong = ((commas != width - 1) & (line.str.len_bytes() > 0)).sum()
    try:
        quotes, odd = pl.scan_lines(path, glob=False).select(
            line.str.contains('"', literal=True).any().alias("quotes"), wrong.alias("odd")
        ).collect(engine="streaming").row(0)  # fmt: skip
    except pl.exceptions.PolarsError as error:
        raise DataError(f"'{path.name}' is no UTF-8 text; convert it first", detail=str(error)) from None
    if not quotes:
        return not odd
    return all(
        not problem and len(fields) == width for _, fields, problem in _records(path, options) if problem or fields
    )


def _castable(path: Path, options: ReadOptions, schema: dict[str, Any]) -> bool:
    try:
        _lazy(path, options, schema).select(pl.all().count()).collect(engine="streaming")
    except pl.exceptions.PolarsError:
        return False
    return True


def _records(path: Path, options: ReadOptions) -> Iterator[tuple[int, list[str], str]]:
    """Line number, fields and problem of each record after the header."""
    csv.field_size_limit(LINE_MAX)
    with path.open("rb") as file:
        reader = csv.reader(text_lines(file, path), delimiter=options.delimiter, strict=True)
        first = options.header
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader, None)
            except csv.Error as error:
                long = "field larger" in str(error)
                yield line, [], TOO_LONG if long else f"the line cannot be read: {error}"
                continue
            if fields is None:
                return
            if first:
                first = False
                continue
            if fields and LONG in fields[-1]:
                yield line, [], TOO_LONG
                continue
            bad = any("\udc80" <= char <= "\udcff" for field in fields for char in field) if fields else False
            yield line, fields, "the line is no UTF-8 text" if bad else ""
