"""Logical columns to and from SQLAlchemy types. What a database cannot keep exactly is in `LOSSES`."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from headrace.sdk.types import Column, DataType

LOSSES = {
    DataType.DURATION: "durations are stored as whole microseconds",
    DataType.LIST: "lists are stored as JSON text",
    DataType.STRUCT: "structs are stored as JSON text",
}
"""Logical types that a table keeps in another form; the reader gives that form."""


def column_of(name: str, kind: Any, *, nullable: bool = True) -> Column:
    """The logical column of a reflected type; unknown types travel as text."""
    native = str(kind) if not isinstance(kind, sa.types.NullType) else "unknown"
    made: dict[str, Any] = {"name": name, "nullable": nullable, "native": native}
    if isinstance(kind, sa.Boolean):
        return Column(type=DataType.BOOLEAN, **made)
    if isinstance(kind, sa.SmallInteger | sa.BigInteger | sa.Integer):
        small = isinstance(kind, sa.SmallInteger) or native == "SMALLINT"  # not every dialect's own type is of sa's
        bits = 16 if small else 64 if isinstance(kind, sa.BigInteger) or native == "BIGINT" else 32
        unsigned = bool(getattr(kind, "unsigned", False)) or "UNSIGNED" in native.upper()
        return Column(type=DataType.INTEGER, bits=64 if unsigned else bits, **made)
    if isinstance(kind, sa.Float):
        return Column(type=DataType.FLOAT, bits=64, **made)
    if isinstance(kind, sa.Numeric):
        if kind.precision is None:
            return Column(type=DataType.DECIMAL, precision=38, scale=9, **made)
        return Column(type=DataType.DECIMAL, precision=min(kind.precision, 38), scale=kind.scale or 0, **made)
    if isinstance(kind, sa.DateTime):
        return Column(type=DataType.TIMESTAMP, zone="UTC" if kind.timezone else "", **made)
    for base, logical in (
        (sa.Date, DataType.DATE),
        (sa.Time, DataType.TIME),
        (sa.LargeBinary, DataType.BINARY),
        (sa.Uuid, DataType.UUID),
        (sa.JSON, DataType.JSON),
        (sa.Interval, DataType.DURATION),
    ):
        if isinstance(kind, base):
            return Column(type=logical, **made)
    return Column(type=DataType.TEXT, **made)


def sql_type(column: Column) -> sa.types.TypeEngine[Any]:
    """The type of a new table's column."""
    kind = column.type
    if kind is DataType.INTEGER:
        if not column.signed and column.bits == 64:
            return sa.Numeric(20, 0)
        return {8: sa.SmallInteger(), 16: sa.SmallInteger(), 32: sa.Integer()}.get(
            column.bits if column.signed else column.bits * 2, sa.BigInteger()
        )
    if kind is DataType.FLOAT:
        return sa.Double().with_variant(sa.DOUBLE_PRECISION(), "firebird.firebird")
    if kind is DataType.DECIMAL:
        return sa.Numeric(column.precision or 38, column.scale).with_variant(sa.Text(), "sqlite")  # it has floats only
    if kind is DataType.TIMESTAMP:
        return sa.DateTime(timezone=bool(column.zone)).with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
    if kind is DataType.TIME:
        return sa.Time().with_variant(mysql.TIME(fsp=6), "mysql", "mariadb")
    plain: dict[DataType, sa.types.TypeEngine[Any]] = {
        DataType.BOOLEAN: sa.Boolean(), DataType.DATE: sa.Date(),
        DataType.BINARY: sa.LargeBinary(), DataType.DURATION: sa.BigInteger(), DataType.UUID: sa.Uuid(),
    }  # fmt: skip
    return plain.get(kind, sa.Text())
