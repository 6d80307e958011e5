"""One frame into a table: Arrow in, each value as it is, or an error; the engine alone would round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl
from headrace.sdk import ConfigError, DataError
from sqlglot import exp

from headrace_connector_duckdb.statements import Place, insert, quoted

_FRAME = "headrace_frame"
_TEXT = {"varchar", "enum"}
_NESTED = {"list", "array", "struct", "map", "union", "variant"}
_NOT_FROM_TEXT = _NESTED | {
    "boolean", "blob", "bit", "bignum", "float", "double", "decimal", "hugeint", "uhugeint",
    *(f"{sign}{size}int" for sign in ("", "u") for size in ("tiny", "small", "big")), "integer", "uinteger",
}  # fmt: skip


def load(db: duckdb.DuckDBPyConnection, place: Place, frame: pl.DataFrame) -> None:
    """Insert a frame by column names.

    Raises:
        ConfigError: a column's type has no way into the table's.
        DataError: a value would change on its way.
    """
    target = db.table(place.text)
    kinds = {name.casefold(): (name, kind) for name, kind in zip(target.columns, target.types, strict=True)}
    db.register(_FRAME, _sent(frame))
    given = db.table(_FRAME)
    huge = {name for name, kind in frame.schema.items() if kind in {pl.Int128, pl.UInt128}}
    names, values, changed = [], [], {}
    for name, kind in zip(given.columns, given.types, strict=True):
        there, wanted = kinds[name.casefold()]
        source = duckdb.dtype("HUGEINT") if name in huge and wanted.id != "varchar" else kind
        _possible(name, source, wanted)
        names.append(there)
        value = _value(name, source, wanted)
        values.append(value)
        if _may_change(source, wanted):
            changed[name] = exp.cast(value, str(source), dialect="duckdb")
    _unchanged(db, changed, huge)
    db.execute(insert(place, names, exp.select(*values).from_(_FRAME)).sql(dialect="duckdb"))
    db.unregister(_FRAME)


def _sent(frame: pl.DataFrame) -> pl.DataFrame:
    """What Arrow cannot carry into the engine goes as text; a duration in whole microseconds.

    Raises:
        DataError: a duration has nanoseconds.
    """
    changed: list[pl.Expr | pl.Series] = []
    for name, kind in frame.schema.items():
        if kind in {pl.Int128, pl.UInt128}:
            changed.append(pl.col(name).cast(pl.String))
        elif kind == pl.Duration("ns"):
            whole = frame[name].cast(pl.Duration("us"))
            if not whole.cast(pl.Duration("ns")).equals(frame[name], null_equal=True):
                raise DataError(
                    f"column '{name}' holds nanoseconds, which DuckDB would cut; round it before", column=name
                )
            changed.append(whole)
    return frame.with_columns(changed)


def _possible(name: str, source: Any, wanted: Any) -> None:
    zones = {kind.id == "timestamp with time zone" for kind in (source, wanted) if kind.id.startswith("timestamp")}
    if len(zones) == 2 or (source.id in _TEXT and str(wanted) != "JSON" and wanted.id in _NOT_FROM_TEXT):
        raise ConfigError(
            f"column '{name}' is {source}, the table wants {wanted}; cast it before, so that you decide how",
            column=name,
        )


def _value(name: str, source: Any, wanted: Any) -> exp.Expr:
    value: exp.Expr = quoted(name)
    if source.id in _NESTED and wanted.id == "varchar":
        value = exp.func("to_json", value)
    return exp.cast(value, str(wanted), dialect="duckdb")


def _may_change(source: Any, wanted: Any) -> bool:
    if str(source) == str(wanted) or wanted.id == "varchar":
        return False
    return source.id not in _TEXT and source.id != '"null"' and str(source) != '"NULL"'


def _unchanged(db: duckdb.DuckDBPyConnection, changed: Mapping[str, exp.Expr], huge: set[str]) -> None:
    """Cast there and back must give the value again.

    Raises:
        DataError: naming the column and how many values would change.
    """
    if not changed:
        return
    counts = []
    for name, back in changed.items():
        before = exp.cast(quoted(name), "HUGEINT", dialect="duckdb") if name in huge else quoted(name)
        counts.append(exp.func("count_if", exp.NullSafeNEQ(this=back, expression=before)))
    ((*found,),) = db.execute(exp.select(*counts).from_(_FRAME).sql(dialect="duckdb")).fetchall()
    for name, count in zip(changed, found, strict=True):
        if count:
            said = f"{count} values of column '{name}' would change in the table; nothing was written; cast it before"
            raise DataError(said, column=name, count=count)
