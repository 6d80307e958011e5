"""Reading by COPY ... TO STDOUT: text that Polars parses, without a Python object for each value.

Source: https://www.postgresql.org/docs/current/sql-copy.html; each CopyData message of the server is one row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import polars as pl
import sqlalchemy as sa

from headrace.kits.sql.frames import beyond_digits, no_decimal, too_exact
from headrace.sdk.errors import DataError
from headrace.sdk.frames import polars_schema
from headrace.sdk.types import Column, DataType

_AS_TEXT = ("VARCHAR", "TEXT", "CHAR", "CITEXT")
_PARSED = frozenset({
    DataType.INTEGER, DataType.FLOAT, DataType.BOOLEAN, DataType.DECIMAL, DataType.DATE, DataType.BINARY,
    DataType.TIMESTAMP, DataType.UUID,
})  # fmt: skip
_NO_DECIMALS = ["NaN", "Infinity", "-Infinity"]
_SETTINGS = sa.text("""
SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true),
  set_config('extra_float_digits', '1', true), set_config('bytea_output', 'hex', true)
""")


def parses(columns: Sequence[Column]) -> bool:
    """Whether the text of every column says what the driver's values would; JSON, arrays and their like it does not."""
    return bool(columns) and all(
        column.type in _PARSED or (column.type is DataType.TEXT and column.native.upper().startswith(_AS_TEXT))
        for column in columns
    )


def frames(
    connection: sa.Connection, query: sa.Select[Any], columns: Sequence[Column], batch_rows: int, batch_bytes: int
) -> Iterator[pl.DataFrame]:
    """Rows of the query in frames of at most so many rows, and of about so many bytes of text."""
    connection.execute(_SETTINGS)
    asked = query.compile(dialect=connection.dialect)
    text = str(asked) if asked.params else str(asked).replace("%%", "%")
    cursor: Any = connection.connection.cursor()
    # COPY takes no parameters: the driver writes them into the statement as literals of their types
    cursor.adapters.register_dumper(int, _whole_numbers())
    with cursor.copy(f"COPY ({text}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')", asked.params or None) as copy:
        held: list[Any] = []
        size = 0
        for row in copy:
            held.append(row)
            size += len(row)
            if size >= batch_bytes or len(held) >= batch_rows:
                yield parsed(b"".join(held), columns)
                held, size = [], 0
        if held:
            yield parsed(b"".join(held), columns)


@cache
def _whole_numbers() -> type[Any]:
    """Literals in parentheses: in `-32768::SMALLINT` the minus would come after the cast, of a number too large."""
    from psycopg.types.numeric import Int8Dumper

    class WholeNumber(Int8Dumper):
        def quote(self, obj: int) -> bytes:
            return b"(%d)" % obj

    return WholeNumber


def parsed(text: bytes, columns: Sequence[Column]) -> pl.DataFrame:
    """The frame of a text in CSV, with exactly these columns.

    Raises:
        DataError: a value does not fit its column's type.
    """
    kinds = dict(zip((str(place) for place in range(len(columns))), polars_schema(columns).dtypes(), strict=True))
    plain = {name: kind if kind.is_integer() or kind.is_float() else pl.String() for name, kind in kinds.items()}
    read = pl.read_csv(text, has_header=False, schema=plain)
    return pl.DataFrame([
        _as(read[name], column, kind).alias(column.name)
        for (name, kind), column in zip(kinds.items(), columns, strict=True)
    ])  # fmt: skip


def _as(texts: pl.Series, column: Column, kind: Any) -> pl.Series:
    if texts.dtype == kind:
        return texts
    try:
        return _typed(texts, column, kind)
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"column '{column.name}' holds a value that is no {column.type}", column=column.name, detail=str(error)
        ) from None


def _typed(texts: pl.Series, column: Column, kind: Any) -> pl.Series:
    if column.type is DataType.BOOLEAN:
        return texts == "t"
    if column.type is DataType.DATE:
        return texts.str.to_date("%Y-%m-%d")
    if column.type is DataType.TIMESTAMP:
        zone = "%#z" if column.zone else ""
        return texts.str.to_datetime(f"%Y-%m-%d %H:%M:%S%.f{zone}", time_unit="us", time_zone=column.zone or None)
    if column.type is DataType.BINARY:
        return texts.str.slice(2).str.decode("hex")
    exact = texts.str.contains(rf"\.\d{{{column.scale + 1},}}")
    if exact.any():
        raise too_exact(column, texts.filter(exact)[0])
    odd = texts.is_in(_NO_DECIMALS)
    if odd.any():
        raise no_decimal(column, texts.filter(odd)[0])
    made = texts.cast(kind, strict=False)
    if made.null_count() != texts.null_count():
        raise beyond_digits(column)
    return made
