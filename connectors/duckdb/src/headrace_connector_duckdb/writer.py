"""Writing a stream: staged outside, then applied in one transaction together with the effect ledger.

The engine keeps what it scanned until a transaction ends, so frames go into a temporary table first, each by itself;
memory stays bounded, and the target is locked for the last step only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import duckdb
import polars as pl
from headrace.kits.judging import judged, no_key, one_name, same_key
from headrace.kits.sql.ledger import LEDGER
from headrace.sdk import Column, ConfigError
from headrace.sdk.connectors import WriteMode, WriteResult
from headrace.sdk.frames import from_polars
from sqlglot import exp

from headrace_connector_duckdb.columns import native
from headrace_connector_duckdb.loader import load
from headrace_connector_duckdb.statements import Place, create, drop, insert, join, quoted

_STAGE = Place("temp", "main", "headrace_stage")


class Writer:
    """One write of one stream.

    Args:
        db: Open for writing; closing it drops what is not committed.
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
        """Write all frames or none; a repeat of an effect takes none."""
        done = self._done(effect_key)
        first = next(frames, None) if done is None else None
        if first is None:
            return done or WriteResult(0)
        columns = one_name(from_polars(first.schema), "DuckDB")
        judged(columns, mode, keys)
        kinds = self._kinds(columns, mode)
        self._run(create(_STAGE, kinds))
        rows = 0
        for frame in chain([first], frames):
            if frame.height:
                load(self._db, _STAGE, frame)
                rows += frame.height
        if mode == "upsert":
            self._check_keys(keys)
        self._db.execute("BEGIN TRANSACTION")
        updated = self._apply(kinds, mode, keys)
        self._remember(effect_key, WriteResult(rows, updated))
        self._db.execute("COMMIT")
        return WriteResult(rows, updated)

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

    def _kinds(self, columns: Sequence[Column], mode: WriteMode) -> dict[str, str]:
        """Types of the staged columns: the target's, where it stays.

        Raises:
            ConfigError: it lacks a column of the rows.
        """
        if not self._exists or mode == "overwrite":
            return {column.name: native(column) for column in columns}
        target = self._db.table(self._place.text)
        there = {name.casefold(): str(kind) for name, kind in zip(target.columns, target.types, strict=True)}
        extra = [column.name for column in columns if column.name.casefold() not in there]
        if extra:
            raise ConfigError(
                f"the table '{self._place.name}' has no column '{extra[0]}'; add it there, leave it out before, or "
                "overwrite the table",
                column=extra[0],
            )
        return {column.name: there[column.name.casefold()] for column in columns}

    def _apply(self, kinds: dict[str, str], mode: WriteMode, keys: Sequence[str]) -> int:
        """Bring the staged rows into the target; gives how many rows of it were updated."""
        if mode == "overwrite":
            self._run(drop(self._place))
        if mode == "overwrite" or not self._exists:
            self._run(create(self._place, kinds, keys=keys if mode == "upsert" else ()))
        rows, updated = exp.select(*(quoted(name, "s") for name in kinds)).from_(_STAGE.table("s")), 0
        if mode == "upsert":
            same = join("s", "t", keys)
            held = exp.Exists(this=exp.select("1").from_(self._place.table("t")).where(same))
            updated = self._count(exp.select("count(*)").from_(_STAGE.table("s")).where(held))
            rest: dict[Any, object] = {quoted(name): quoted(name, "s") for name in kinds if name not in keys}
            if rest and updated:
                self._run(exp.update(self._place.table("t"), rest, where=same, from_=exp.From(this=_STAGE.table("s"))))
            rows = rows.where(held.not_())
        self._run(insert(self._place, list(kinds), rows))
        return updated

    def _count(self, tree: exp.Expr) -> int:
        return int(self._db.execute(tree.sql(dialect="duckdb")).fetchall()[0][0])

    def _check_keys(self, keys: Sequence[str]) -> None:
        """Refuse rows that an upsert cannot tell apart.

        Raises:
            DataError: naming the keys and a sample.
        """
        staged = self._db.table(_STAGE.text)
        parts = [duckdb.ColumnExpression(key) for key in keys]
        empty = parts[0].isnull()
        for part in parts[1:]:
            empty |= part.isnull()
        nulls = staged.filter(empty).count("*").fetchall()[0][0]
        if nulls:
            raise no_key(nulls, keys)
        many = duckdb.FunctionExpression("count", duckdb.ConstantExpression(1)).alias("headrace_rows")
        groups = staged.aggregate([*parts, many]).filter(
            duckdb.ColumnExpression("headrace_rows") > duckdb.ConstantExpression(1)
        )
        double = groups.limit(1).fetchall()
        if double:
            raise same_key(double[0][-1], keys, double[0])
