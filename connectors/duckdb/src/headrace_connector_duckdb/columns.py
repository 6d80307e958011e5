"""Types of the engine to and from logical columns, exactly or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import polars as pl
from duckdb import CaseExpression, ColumnExpression, ConstantExpression, Expression, FunctionExpression
from headrace.sdk import Column, DataError, DataType
from headrace.sdk.frames import polars_schema

from headrace_connector_duckdb.session import OURS

_PLAIN: dict[str, dict[str, Any]] = {
    "boolean": {"type": DataType.BOOLEAN}, "varchar": {"type": DataType.TEXT}, "uuid": {"type": DataType.UUID},
    "blob": {"type": DataType.BINARY}, "date": {"type": DataType.DATE}, "time": {"type": DataType.TIME},
    "time_ns": {"type": DataType.TIME}, "timestamp": {"type": DataType.TIMESTAMP},
    "timestamp with time zone": {"type": DataType.TIMESTAMP, "zone": "UTC"},
    "float": {"type": DataType.FLOAT, "bits": 32}, "double": {"type": DataType.FLOAT, "bits": 64},
}  # fmt: skip
for _bits, _name in ((8, "tinyint"), (16, "smallint"), (32, "integer"), (64, "bigint")):
    _PLAIN[_name] = {"type": DataType.INTEGER, "bits": _bits}
    _PLAIN[f"u{_name}"] = {"type": DataType.INTEGER, "bits": _bits, "signed": False}
_HUGE = {"type": DataType.INTEGER, "bits": 128}
_NEVER = {pl.Date: 2**31 - 1, pl.Datetime: 2**63 - 1}
"""What the engine stores for infinity."""


class Carried:
    """How a column of a relation travels.

    Attributes:
        column: Its logical column.
        select: What is selected for it.
        warning: The loss of form, or "".
    """

    def __init__(self, name: str, kind: Any, *, nullable: bool = True) -> None:
        value = ColumnExpression(name)
        made, self.warning = shape(kind), ""
        if made is None and kind.id == "hugeint":
            made = _HUGE
        elif made is None and kind.id in {"timestamp_s", "timestamp_ms"}:
            made, value = {"type": DataType.TIMESTAMP}, value.cast("TIMESTAMP")
        elif made is None and kind.id == "timestamp_ns":
            made, value = {"type": DataType.TIMESTAMP}, _whole_us(name, value)
        elif made is None and kind.id == "interval":
            made, value = {"type": DataType.DURATION}, _whole_days(name, value)
        elif made is None and kind.id == "map" and (entry := _entry(kind)) is not None:
            made, value = {"type": DataType.LIST, "inner": (entry,)}, FunctionExpression("map_entries", value)
        elif made is None and kind.id in {"list", "array", "struct", "map", "union", "variant"}:
            made, value = {"type": DataType.JSON}, FunctionExpression("to_json", value).cast("VARCHAR")
            self.warning = f"'{name}' ({kind}) travels as JSON text"
        elif made is None:
            made, value = {"type": DataType.TEXT}, value.cast("VARCHAR")
            self.warning = "" if kind.id == "enum" else f"'{name}' ({kind}) travels as text"
        self.column = Column(name, nullable=nullable, native=str(kind), **made)
        self.select: Expression = value.alias(name)


def shape(kind: Any) -> dict[str, Any] | None:
    """The logical type that Arrow carries as it is, or None."""
    if str(kind) == "JSON":
        return {"type": DataType.JSON}
    if kind.id in _PLAIN:
        return dict(_PLAIN[kind.id])
    if kind.id == "decimal":
        said = dict(kind.children)
        return {"type": DataType.DECIMAL, "precision": said["precision"], "scale": said["scale"]}
    if kind.id in {"list", "array"}:
        inner = shape(dict(kind.children)["child"])
        return None if inner is None else {"type": DataType.LIST, "inner": (Column("item", **inner),)}
    if kind.id == "struct":
        parts = [(name, shape(part)) for name, part in kind.children]
        if any(part is None for _, part in parts):
            return None
        return {"type": DataType.STRUCT, "inner": tuple(Column(name, **part) for name, part in parts if part)}
    return None


def _entry(kind: Any) -> Column | None:
    parts = {name: shape(part) for name, part in kind.children}
    if any(part is None for part in parts.values()):
        return None
    fields = tuple(Column(name, **part) for name, part in parts.items() if part)
    return Column("item", DataType.STRUCT, inner=fields)


def _refused(bad: Expression, said: str, value: Expression) -> Expression:
    return CaseExpression(bad, FunctionExpression("error", ConstantExpression(OURS + said))).otherwise(value)


def _whole_us(name: str, value: Expression) -> Expression:
    rest = FunctionExpression("mod", FunctionExpression("epoch_ns", value), ConstantExpression(1_000))
    said = f"column '{name}' holds nanoseconds, which would be cut; read it by a query that casts it"
    return _refused(rest != ConstantExpression(0), said, value.cast("TIMESTAMP"))


def _whole_days(name: str, value: Expression) -> Expression:
    months = FunctionExpression("datepart", ConstantExpression("month"), value)
    years = FunctionExpression("datepart", ConstantExpression("year"), value)
    said = f"column '{name}' holds months, which have no fixed length; read it by a query that casts it to text"
    zero = ConstantExpression(0)
    return _refused((months != zero) | (years != zero), said, FunctionExpression("epoch_us", value))


def frame_of(batch: Any, columns: Sequence[Column]) -> pl.DataFrame:
    """An Arrow batch as a frame with exactly these columns.

    Raises:
        DataError: a date or time is infinite.
    """
    frame: pl.DataFrame = pl.DataFrame(batch)
    for name in frame.columns:
        if _endless(frame[name]):
            said = f"column '{name}' holds an infinite date or time; read it by a query that replaces it"
            raise DataError(said, column=name)
    zoned = [pl.col(c.name).dt.convert_time_zone("UTC") for c in columns if c.zone]
    return frame.with_columns(zoned).cast(polars_schema(columns))


def _endless(values: pl.Series) -> bool:
    kind = values.dtype.base_type()
    if kind in _NEVER:
        return bool((values.to_physical().abs() == _NEVER[kind]).any())
    if kind in {pl.List, pl.Array}:
        return values.dtype.is_nested() and _endless(values.explode(empty_as_null=False, keep_nulls=False))
    if kind is pl.Struct:
        return any(_endless(values.struct.field(name)) for name in values.struct.fields)
    return False


def native(column: Column) -> str:
    """The engine's type for a new table's column."""
    kind = column.type
    if kind is DataType.INTEGER:
        name = {8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 128: "HUGEINT"}.get(column.bits, "BIGINT")
        return name if column.signed else f"U{name}"
    if kind is DataType.FLOAT:
        return "FLOAT" if column.bits == 32 else "DOUBLE"
    if kind is DataType.DECIMAL:
        return f"DECIMAL({column.precision or 38},{column.scale})"
    if kind is DataType.TIMESTAMP:
        return "TIMESTAMPTZ" if column.zone else "TIMESTAMP"
    if kind is DataType.LIST:
        return f"{native(column.inner[0])}[]"
    if kind is DataType.STRUCT:
        return str(duckdb.struct_type({field.name: duckdb.dtype(native(field)) for field in column.inner}))
    return {
        DataType.BOOLEAN: "BOOLEAN", DataType.BINARY: "BLOB", DataType.DATE: "DATE", DataType.TIME: "TIME",
        DataType.DURATION: "INTERVAL", DataType.UUID: "UUID", DataType.JSON: "JSON",
    }.get(kind, "VARCHAR")  # fmt: skip
