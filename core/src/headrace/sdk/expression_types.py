"""CAST between logical types, as expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import narwhals as nw

from headrace.sdk.frames import dtype
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    from sqlglot import exp

    from headrace.sdk.expression_values import Value

_BITS: Final = {"TINYINT": 8, "SMALLINT": 16, "INT": 64, "MEDIUMINT": 64, "BIGINT": 64, "INT128": 128}
_UNSIGNED: Final = {"UTINYINT": 8, "USMALLINT": 16, "UINT": 64, "UBIGINT": 64}
_NAMES: Final = {
    "BOOLEAN": DataType.BOOLEAN, "FLOAT": DataType.FLOAT, "DOUBLE": DataType.FLOAT, "REAL": DataType.FLOAT,
    "TEXT": DataType.TEXT, "VARCHAR": DataType.TEXT, "CHAR": DataType.TEXT, "NVARCHAR": DataType.TEXT,
    "DATE": DataType.DATE, "TIME": DataType.TIME, "TIMESTAMP": DataType.TIMESTAMP, "TIMESTAMPNTZ": DataType.TIMESTAMP,
    "DATETIME": DataType.TIMESTAMP, "UUID": DataType.TEXT, "JSON": DataType.TEXT, "VARBINARY": DataType.BINARY,
}  # fmt: skip


def target(kind: exp.DataType) -> Column | None:
    """The logical type that a SQL type names."""
    name = kind.this.name if hasattr(kind.this, "name") else str(kind.this)
    if name in _BITS:
        return Column("", DataType.INTEGER, bits=_BITS[name])
    if name in _UNSIGNED:
        return Column("", DataType.INTEGER, bits=_UNSIGNED[name], signed=False)
    if name == "DECIMAL":
        sizes = [int(part.name) for part in kind.expressions]
        precision, scale = (*sizes, 0)[:2] if sizes else (18, 3)
        return Column("", DataType.DECIMAL, precision=precision, scale=scale) if 0 < precision <= 38 else None
    if name == "TIMESTAMPTZ":
        return Column("", DataType.TIMESTAMP, zone="UTC")
    return Column("", _NAMES[name]) if name in _NAMES else None


def cast(value: Value, kind: DataType, column: Column | None = None) -> nw.Expr:
    """A value as another type; a text that does not fit stops the execution."""
    shape = column or Column("", kind)
    expr, source = value.expr, value.kind
    if source is kind is DataType.TEXT:
        return expr
    if source is DataType.TEXT:
        return _from_text(expr, kind, shape)
    if kind is DataType.INTEGER and source in {DataType.FLOAT, DataType.DECIMAL}:
        return expr.round(0).cast(dtype(shape))
    if kind is DataType.TEXT and source is DataType.TIMESTAMP:
        return expr.dt.to_string("%Y-%m-%d %H:%M:%S")
    if kind is DataType.DATE and source is DataType.TIMESTAMP:
        return expr.dt.date()
    if kind is DataType.TIMESTAMP and shape.zone and source in {DataType.TIMESTAMP, DataType.DATE}:
        if value.column is not None and value.column.zone:
            return expr.dt.convert_time_zone(shape.zone)
        return expr.cast(nw.Datetime("us")).dt.replace_time_zone(shape.zone)
    if kind is DataType.TIMESTAMP and value.column is not None and value.column.zone:
        return expr.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return expr.cast(dtype(shape))


def _from_text(expr: nw.Expr, kind: DataType, shape: Column) -> nw.Expr:
    text = expr.str.strip_chars()
    if kind is DataType.DATE:
        return text.str.to_date("%Y-%m-%d")
    if kind is DataType.TIME:
        return text.str.to_time("%H:%M:%S")
    if kind is DataType.TIMESTAMP:
        plain = text.str.replace_all("T", " ", literal=True).str.strip_chars_end("Z")
        whole = nw.when(plain.str.len_chars() == 10).then(nw.concat_str([plain, nw.lit(" 00:00:00")])).otherwise(plain)
        moment = whole.str.to_datetime("%Y-%m-%d %H:%M:%S%.f").cast(nw.Datetime("us"))
        return moment.dt.replace_time_zone(shape.zone) if shape.zone else moment
    if kind is DataType.BOOLEAN:
        word = text.str.to_lowercase()
        no = word.is_in(["false", "f", "no", "n", "0", "off"])
        known = nw.when(word.is_in(["true", "t", "yes", "y", "1", "on"]) | no).then(
            nw.when(no).then(nw.lit("0")).otherwise(nw.lit("1"))
        )
        return known.otherwise(word).cast(nw.Int64).cast(nw.Boolean)
    return text.cast(dtype(shape))
