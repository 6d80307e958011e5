"""Writing a stream in one transaction: stage, check, apply, and the effect ledger beside the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import duckdb
import polars as pl
from headrace.kits.sql.writer import LEDGER
from headrace.sdk import Column, ConfigError, DataError
from headrace.sdk.connectors import WriteMode, WriteResult
from headrace.sdk.frames import from_polars
from sqlglot import exp

from headrace_connector_duckdb.columns import native
from headrace_connector_duckdb.loader import load
from headrace_connector_duckdb.statements import Place, create, drop, insert, join, quoted, rename


class Writer:
    """One write of one stream.

    Args:
        db: In a transaction that the caller ends.
        place: The target.
        exists: Whether it is there.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection, place: Place, *, exists: bool) -> None:
        self._db = db
        self._place = place
        self._exists = exists
        self._ledger = place.beside(LEDGER)

    def write(
        self, frames: Iterator[pl.DataFrame], mode: WriteMode, keys: Sequence[str], effect_key: str
    ) -> WriteResult:
        """Write all frames; a repeat of an effect takes none. Raising leaves nothing once the caller rolls back."""
        done = self._done(effect_key)
        first = next(frames, None) if done is None else None
        if first is None:
            return done or WriteResult(0)
        columns = _distinct(from_polars(first.schema))
        missing = [key for key in keys if key not in first.columns]
        if missing or (mode == "upsert" and not keys):
            what = f"the key column '{missing[0]}' is not in the rows" if missing else "an upsert needs key columns"
            raise ConfigError(f"{what}; choose columns that identify a row", field="keys")
        everything = chain([first], frames)
        if mode == "upsert":
            result = self._upsert(columns, everything, keys)
        elif mode == "overwrite" and self._exists:
            result = self._overwrite(columns, everything)
        else:
            result = WriteResult(self._fill(self._target(columns, ()), everything))
        self._remember(effect_key, result)
        return result

    def _run(self, tree: exp.Expr) -> None:
        self._db.execute(tree.sql(dialect="duckdb"))

    def _done(self, effect_key: str) -> WriteResult | None:
        if not effect_key:
            return None
        counts = {"written": "BIGINT", "updated": "BIGINT", "rejected": "BIGINT"}
        self._run(create(self._ledger, {"effect_key": "VARCHAR", **counts}, keys=("effect_key",), if_missing=True))
        found = (
            exp.select(*counts)
            .from_(self._ledger.table())
            .where(exp.column("effect_key").eq(exp.Parameter(this="key")))
        )
        rows = self._db.execute(found.sql(dialect="duckdb"), {"key": effect_key}).fetchall()
        return WriteResult(*rows[0]) if rows else None

    def _remember(self, effect_key: str, result: WriteResult) -> None:
        if effect_key:
            tree = exp.insert(
                exp.values([(effect_key, result.written, result.updated, result.rejected)]), self._ledger.table()
            )
            self._run(tree)

    def _target(self, columns: Sequence[Column], keys: Sequence[str]) -> Place:
        """The table, created when missing.

        Raises:
            ConfigError: it lacks a column of the rows.
        """
        if not self._exists:
            self._run(create(self._place, {c.name: native(c) for c in columns}, keys=keys))
            return self._place
        there = {name.casefold() for name in self._db.table(self._place.text).columns}
        extra = [column.name for column in columns if column.name.casefold() not in there]
        if extra:
            raise ConfigError(
                f"the table '{self._place.name}' has no column '{extra[0]}'; add it there, leave it out before, or "
                "overwrite the table",
                column=extra[0],
            )
        return self._place

    def _fill(self, place: Place, frames: Iterator[pl.DataFrame]) -> int:
        rows = 0
        for frame in frames:
            if frame.height:
                load(self._db, place, frame)
                rows += frame.height
        return rows

    def _overwrite(self, columns: Sequence[Column], frames: Iterator[pl.DataFrame]) -> WriteResult:
        stage = self._place.beside(f"{self._place.name}__headrace_stage")
        self._run(drop(stage))
        self._run(create(stage, {c.name: native(c) for c in columns}))
        rows = self._fill(stage, frames)
        self._run(drop(self._place))
        self._run(rename(stage, self._place.name))
        return WriteResult(rows)

    def _upsert(self, columns: Sequence[Column], frames: Iterator[pl.DataFrame], keys: Sequence[str]) -> WriteResult:
        target = self._target(columns, keys)
        stage = Place("temp", "main", "headrace_stage")
        self._run(create(stage, {c.name: native(c) for c in columns}))
        rows = self._fill(stage, frames)
        staged = self._db.table(stage.text)
        self._check_keys(staged, keys)
        same = join("s", "t", keys)
        there = staged.set_alias("s").join(
            self._db.table(target.text).set_alias("t"), same.sql(dialect="duckdb"), how="semi"
        )
        updated = there.count("*").fetchall()[0][0]
        rest = [column.name for column in columns if column.name not in keys]
        if rest and updated:
            values: dict[Any, object] = {quoted(name): quoted(name, "s") for name in rest}
            self._run(exp.update(target.table("t"), values, where=same, from_=exp.From(this=stage.table("s"))))
        held = exp.select("1").from_(target.table("t")).where(same)
        names = [column.name for column in columns]
        fresh = (
            exp.select(*(quoted(name, "s") for name in names))
            .from_(stage.table("s"))
            .where(exp.Exists(this=held).not_())
        )
        self._run(insert(target, names, fresh))
        self._run(drop(stage))
        return WriteResult(rows, updated)

    def _check_keys(self, staged: duckdb.DuckDBPyRelation, keys: Sequence[str]) -> None:
        """Refuse rows that an upsert cannot tell apart.

        Raises:
            DataError: naming the keys and a sample.
        """
        named = ", ".join(keys)
        parts = [duckdb.ColumnExpression(key) for key in keys]
        empty = parts[0].isnull()
        for part in parts[1:]:
            empty |= part.isnull()
        nulls = staged.filter(empty).count("*").fetchall()[0][0]
        if nulls:
            said = (
                f"{nulls} rows have no value in the key {named}; nothing was written; filter them or fill them before"
            )
            raise DataError(said, field="keys")
        many = duckdb.FunctionExpression("count", duckdb.ConstantExpression(1)).alias("headrace_rows")
        groups = staged.aggregate([*parts, many]).filter(
            duckdb.ColumnExpression("headrace_rows") > duckdb.ConstantExpression(1)
        )
        double = groups.limit(1).fetchall()
        if double:
            sample = ", ".join(f"{key}={value!r}" for key, value in zip(keys, double[0], strict=False))
            raise DataError(
                f"{double[0][-1]} rows have the same key ({sample}); nothing was written; put a Distinct step before, "
                "or add a key column",
                field="keys",
            )


def _distinct(columns: Sequence[Column]) -> Sequence[Column]:
    """The columns, if the engine can tell them apart.

    Raises:
        ConfigError: two names differ in letter case only.
    """
    seen: dict[str, str] = {}
    for column in columns:
        other = seen.setdefault(column.name.casefold(), column.name)
        if other != column.name:
            raise ConfigError(
                f"the columns '{other}' and '{column.name}' are one name to DuckDB; rename one", column=other
            )
    return columns
