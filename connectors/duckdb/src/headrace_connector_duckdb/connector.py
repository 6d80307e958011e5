"""The work, on the engine's own API: relations to read, statement trees to write."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

import duckdb
from headrace.kits.files.paths import database_file
from headrace.kits.sql.ledger import LEDGER
from headrace.kits.sql.reader import QUERY_TIMEOUT_S
from headrace.sdk import ConfigError, Connector, Rejector, Stream, WriteResult
from headrace.sdk.connectors import WriteMode
from headrace.sdk.narrowing import Narrowing
from headrace.sdk.types import DataType

from headrace_connector_duckdb import DuckdbConfig
from headrace_connector_duckdb.columns import Carried, frame_of
from headrace_connector_duckdb.narrow import conditions
from headrace_connector_duckdb.session import connect, translated
from headrace_connector_duckdb.statements import Place
from headrace_connector_duckdb.writer import Writer

if TYPE_CHECKING:
    import polars as pl

_CURSORS = {DataType.INTEGER, DataType.DECIMAL, DataType.DATE, DataType.TIMESTAMP}
_TABLES = """
SELECT database_name, schema_name, table_name, estimated_size FROM duckdb_tables()
WHERE database_name = current_database() AND NOT internal
UNION ALL SELECT database_name, schema_name, view_name, NULL FROM duckdb_views()
WHERE database_name = current_database() AND NOT internal
"""
_CONSTRAINTS = """
SELECT schema_name, table_name, constraint_type, constraint_column_names FROM duckdb_constraints()
WHERE database_name = current_database() AND constraint_type IN ('PRIMARY KEY', 'NOT NULL')
"""


class DuckdbConnector(Connector[DuckdbConfig]):
    """One database file; open only while something is read or written, so that others get their turn."""

    def __init__(self, config: DuckdbConfig) -> None:
        super().__init__(config)
        self._open: set[duckdb.DuckDBPyConnection] = set()

    @property
    def where(self) -> str:
        """The file for people."""
        return f"the DuckDB file '{Path(self.config.path).name}'"

    @contextmanager
    def _session(self, *, writing: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        file = database_file(self.config.path)
        if not writing and not file.exists():
            raise ConfigError(f"{self.where} does not exist; write to it once, or correct the path", field="path")
        with translated(self.where):
            db = connect(file, writing=writing)
            self._open.add(db)
            try:
                yield db
            finally:
                self._open.discard(db)
                db.close()

    def check(self) -> None:
        """The file opens; one that is still to be written has a folder that takes it."""
        file = database_file(self.config.path)
        if not file.exists() and os.access(file.parent, os.W_OK):
            return
        with self._session() as db:
            db.execute("SELECT 1").fetchall()

    def discover(self) -> Sequence[Stream]:
        """Tables and views of all schemas."""
        if not database_file(self.config.path).exists():
            return []
        with self._session() as db:
            return sorted(self._streams(db).values(), key=lambda stream: stream.name)

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """One table."""
        with self._session() as db:
            found = self._streams(db, only=name)
            if name not in found:
                near = ", ".join(sorted(self._places(db))[:10]) or "no table at all"
                raise ConfigError(f"there is no table '{name}' in {self.where}; there is {near}", field="stream")
            return found[name]

    def _places(self, db: duckdb.DuckDBPyConnection) -> dict[str, tuple[Place, int | None]]:
        """Where the streams are, by name, with an estimate of their rows."""
        found = {}
        for catalog, schema, table, rows in db.execute(_TABLES).fetchall():
            if table != LEDGER:
                found[table if schema == "main" else f"{schema}.{table}"] = (Place(catalog, schema, table), rows)
        return found

    def _streams(self, db: duckdb.DuckDBPyConnection, only: str = "") -> dict[str, Stream]:
        keys: dict[tuple[str, str], tuple[str, ...]] = {}
        filled: dict[tuple[str, str], set[str]] = {}
        for schema, table, kind, names in db.execute(_CONSTRAINTS).fetchall():
            if kind == "PRIMARY KEY":
                keys[schema, table] = tuple(names)
            else:
                filled.setdefault((schema, table), set()).update(names)
        made = {}
        for name, (place, rows) in self._places(db).items():
            if not only or name == only:
                at = place.schema, place.name
                carried = _carried(db.table(place.text), filled.get(at, set()))
                columns = tuple(item.column for item in carried)
                made[name] = Stream(
                    name=name, columns=columns, primary_key=keys.get(at, ()), rows=rows,
                    cursors=tuple(column.name for column in columns if column.type in _CURSORS),
                    warnings=tuple(item.warning for item in carried if item.warning),
                )  # fmt: skip
        return made

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Rows in Arrow batches, as the engine makes them."""
        wanted = [stream.column(name).name for name in columns or [c.name for c in stream.columns]]
        with self._session() as db:
            rows = self._table(db, stream.name)
            if after is not None:
                cursor = duckdb.ColumnExpression(stream.cursors[0])
                rows = rows.filter(cursor > duckdb.ConstantExpression(after)).sort(cursor)
            yield from _frames(db, rows, wanted, batch_rows, 0)

    def narrowed(self, stream: Stream, needed: Narrowing, *, batch_rows: int = 50_000) -> Iterator[pl.DataFrame]:
        """Rows that the engine finds."""
        wanted = [stream.column(name).name for name in needed.columns or [c.name for c in stream.columns]]
        with self._session() as db:
            rows = self._table(db, stream.name)
            found, whole = conditions(dict(zip(rows.columns, rows.types, strict=True)), needed.where)
            for condition in found:
                rows = rows.filter(condition)
            if needed.rows and whole:
                rows = rows.limit(needed.rows)
            yield from _frames(db, rows, wanted, batch_rows, 0)

    def _table(self, db: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyRelation:
        places = self._places(db)
        if name not in places:
            raise ConfigError(f"there is no table '{name}' in {self.where} any more", field="stream")
        return db.table(places[name][0].text)

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> Iterator[pl.DataFrame]:
        """One SELECT under the SQL policy, in a read-only transaction that sees this file only."""
        import sqlglot
        from headrace.sdk.sqlpolicy import check_select
        from sqlglot import exp

        checked = check_select(sql, dialect="duckdb", placeholders=True)
        tree = sqlglot.parse_one(checked.sql, dialect="duckdb")
        values = {**(params or {}), **checked.values}
        used = {node.name for node in tree.find_all(exp.Placeholder)}
        if missing := sorted(used - values.keys()):
            raise ConfigError(f"the parameter '{missing[0]}' has no value; give it one", field="parameters")
        with self._session() as db:
            db.execute("BEGIN TRANSACTION READ ONLY")
            rows = db.sql(tree.sql(dialect="duckdb"), params={name: values[name] for name in used} or None)
            double = {name for name in rows.columns if rows.columns.count(name) > 1}
            if double:
                raise ConfigError(f"the SELECT gives '{min(double)}' twice; name one of them with AS", field="sql")
            yield from _frames(db, rows, rows.columns, self.batch_rows, QUERY_TIMEOUT_S)

    def write(
        self, name: str, frames: Iterator[pl.DataFrame], *, mode: WriteMode = "append", keys: Sequence[str] = (),
        effect_key: str = "", options: Any = None, reject: Rejector | None = None,
    ) -> WriteResult:  # fmt: skip
        """Write all frames or none, together with the effect ledger."""
        with self._session(writing=True) as db:
            place, exists = self._target(db, name)
            return Writer(db, place, exists=exists).write(frames, mode, keys, effect_key)

    def _target(self, db: duckdb.DuckDBPyConnection, name: str) -> tuple[Place, bool]:
        places = {known.casefold(): place for known, (place, _) in self._places(db).items()}
        if name.casefold() in places:
            return places[name.casefold()], True
        schema, _, table = name.rpartition(".")
        ((catalog,),) = db.execute("SELECT current_database()").fetchall()
        known = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()"
        if schema and (schema,) not in db.execute(known).fetchall():
            raise ConfigError(
                f"there is no schema '{schema}' in {self.where}; write the table without it", field="stream"
            )
        if not table or table == LEDGER:
            raise ConfigError(f"'{name}' cannot be the name of a table; choose another one", field="stream")
        return Place(catalog, schema or "main", table), False

    def close(self) -> None:
        """Close what an abandoned read left open."""
        while self._open:
            self._open.pop().close()


def _carried(rows: duckdb.DuckDBPyRelation, filled: set[str]) -> list[Carried]:
    return [
        Carried(name, kind, nullable=name not in filled)
        for name, kind in zip(rows.columns, rows.types, strict=True)
    ]  # fmt: skip


def _frames(
    db: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, wanted: Sequence[str], batch_rows: int, limit_s: float
) -> Iterator[pl.DataFrame]:
    """Non-empty frames; with a limit, each must come within so many seconds."""
    by_name = {item.column.name: item for item in _carried(rows, set())}
    chosen = [by_name[name] for name in wanted]
    columns = [item.column for item in chosen]
    selected = rows.select(*(item.select for item in chosen))
    with _deadline(db, limit_s):
        reader = selected.to_arrow_reader(batch_rows)
    with reader:
        while True:
            with _deadline(db, limit_s):
                batch = next(reader, None)
            if batch is None:
                return
            if batch.num_rows:
                yield frame_of(batch, columns)


@contextmanager
def _deadline(db: duckdb.DuckDBPyConnection, limit_s: float) -> Iterator[None]:
    timer = Timer(limit_s, db.interrupt) if limit_s else None
    if timer:
        timer.start()
    try:
        yield
    finally:
        if timer:
            timer.cancel()
