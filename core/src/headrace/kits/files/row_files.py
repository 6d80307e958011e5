"""ORC and Avro, in pieces: stripes and blocks become frames as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import polars as pl
from polars.io.plugins import register_io_source

from headrace.sdk.errors import DataError

AVRO_ROWS = 10_000
_AVRO = {
    "boolean": pl.Boolean(), "int": pl.Int32(), "long": pl.Int64(), "float": pl.Float32(), "double": pl.Float64(),
    "bytes": pl.Binary(), "string": pl.String(), "null": pl.Null(), "enum": pl.String(), "fixed": pl.Binary(),
    "date": pl.Date(), "time-millis": pl.Time(), "time-micros": pl.Time(), "uuid": pl.String(),
    "timestamp-millis": pl.Datetime("us", "UTC"), "timestamp-micros": pl.Datetime("us", "UTC"),
    "local-timestamp-millis": pl.Datetime("us"), "local-timestamp-micros": pl.Datetime("us"),
}  # fmt: skip


def lazily(schema: Any, pieces: Callable[[list[str] | None], Iterator[pl.DataFrame]]) -> pl.LazyFrame:
    """A lazy frame of pieces; chosen columns reach them, filters are applied to each as it comes."""

    def source(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        needed = columns
        if columns is not None and predicate is not None:
            needed = list(dict.fromkeys([*columns, *predicate.meta.root_names()]))
        left = rows
        for piece in pieces(needed):
            frame = piece if left is None else piece.head(left)
            left = None if left is None else left - frame.height
            frame = frame if predicate is None else frame.filter(predicate)
            yield frame if columns is None else frame.select(columns)
            if left == 0:
                return

    return register_io_source(source, schema=dict(schema), is_pure=True)


def orc(path: Path) -> pl.LazyFrame:
    """Rows of an ORC file."""
    from pyarrow import orc as reader

    def pieces(columns: list[str] | None) -> Iterator[pl.DataFrame]:
        file = reader.ORCFile(path)
        for number in range(file.nstripes):
            frame = framed(file.read_stripe(number, columns=columns))
            yield frame.select(columns) if columns is not None else frame

    return lazily(framed(reader.ORCFile(path).schema.empty_table()).schema, pieces)


def framed(table: Any) -> pl.DataFrame:
    """An Arrow table as a frame."""
    return cast("pl.DataFrame", pl.from_arrow(table))


def avro(path: Path) -> pl.LazyFrame:
    """Rows of an Avro file of records."""
    import fastavro

    with path.open("rb") as file:
        said = fastavro.reader(file).writer_schema
    schema = _avro_type(said, {})
    fields = {field.name: field.dtype for field in schema.fields} if isinstance(schema, pl.Struct) else {}

    def pieces(columns: list[str] | None) -> Iterator[pl.DataFrame]:
        try:
            yield from blocks(columns)
        except (EOFError, ValueError, IndexError, OSError) as error:
            raise DataError(
                f"'{path.name}' is cut off or damaged; fetch it again", detail=repr(error), field="stream"
            ) from None

    def blocks(columns: list[str] | None) -> Iterator[pl.DataFrame]:
        wanted = {name: fields[name] for name in (fields if columns is None else columns)}
        with path.open("rb") as file:
            rows: list[Any] = []
            found: Any = fastavro.reader(file)
            for row in found:
                rows.append({name: _text_of(row[name]) for name in wanted})
                if len(rows) >= AVRO_ROWS:
                    yield pl.DataFrame(rows, schema=wanted)
                    rows = []
            if rows:
                yield pl.DataFrame(rows, schema=wanted)

    return lazily(fields, pieces)


def _text_of(value: Any) -> Any:
    """UUIDs as text; everything else as Avro gives it."""
    import uuid

    return str(value) if isinstance(value, uuid.UUID) else value


def _avro_type(said: Any, named: dict[str, Any]) -> Any:
    """The Polars type of an Avro schema."""
    if isinstance(said, list):
        kinds = [part for part in said if part != "null"]
        if len(kinds) != 1:
            raise ValueError(f"a union of {len(kinds)} types has no column type")
        return _avro_type(kinds[0], named)
    if isinstance(said, str):
        return named[said] if said in named else _AVRO[said]
    kind = said["type"]
    if isinstance(kind, dict | list):
        return _avro_type(kind, named)
    if said.get("logicalType") == "decimal":
        return pl.Decimal(said["precision"], said.get("scale", 0))
    if said.get("logicalType") in _AVRO:
        return _AVRO[said["logicalType"]]
    if kind == "array":
        return pl.List(_avro_type(said["items"], named))
    if kind == "record":
        made: Any = pl.Struct([pl.Field(field["name"], _avro_type(field["type"], named)) for field in said["fields"]])
    elif kind == "map":
        raise ValueError("a map has no column type")
    else:
        made = _AVRO[kind]
    if "name" in said:
        named[said["name"]] = made
    return made
