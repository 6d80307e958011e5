"""Rows that are there before the first change: read as one transaction sees them; then the binlog tells the rest.

Each reader is a *view*: the rows behind a place as they were at one position of the log. A change before the position
of its row's view is not told again, so rows and changes fit together also when a later reader reads the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from struct import Struct as Layout
from typing import Any, TypeAlias

import msgspec
import pymysql
import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql

from headrace.sdk import ConfigError

KEYS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "char", "varchar", "binary", "varbinary", "date",
                  "datetime", "timestamp"})  # fmt: skip
"""Types of a primary key behind which a reader can go on."""
_BYTES = frozenset({"binary", "varbinary"})
_BEGIN = ("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SET SESSION time_zone = '+00:00'",
          "SET SESSION wait_timeout = 2419200")  # fmt: skip
_SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT"
_MARIADB = "SHOW STATUS LIKE 'binlog_snapshot_%'"
_TABLES = """
SELECT t.TABLE_NAME, t.ENGINE FROM information_schema.TABLES t
WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' ORDER BY t.TABLE_NAME
"""
_COLUMNS = """
SELECT c.COLUMN_NAME, c.DATA_TYPE, c.NUMERIC_PRECISION, k.ORDINAL_POSITION FROM information_schema.COLUMNS c
LEFT JOIN information_schema.KEY_COLUMN_USAGE k ON k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME
  AND k.COLUMN_NAME = c.COLUMN_NAME AND k.CONSTRAINT_NAME = 'PRIMARY'
WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = %s ORDER BY c.ORDINAL_POSITION
"""
_FLOAT = Layout("<f")
_DIALECT = MySQLDialect_pymysql()
Row: TypeAlias = "Mapping[str, Any]"
Behind: TypeAlias = "Callable[[View, Row], bool]"


class View(Struct, frozen=True, omit_defaults=True):
    """The rows behind a place as they were at a position of the log.

    Attributes:
        table: The place: it has read this table behind `after`, and the tables behind it; empty for all.
        keys: The key's columns of that table, as (name, type).
    """

    file: str
    position: int
    table: str = ""
    after: tuple[Any, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()

    @property
    def at(self) -> tuple[int, int]:
        """Where it is in the log, to be compared."""
        return place_of(self.file, self.position)


class Reading(Struct, frozen=True, omit_defaults=True):
    """How far the rows are read: up to `after` of `table`; `done` when all are."""

    views: tuple[View, ...] = ()
    table: str = ""
    after: tuple[Any, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    done: bool = False

    @property
    def until(self) -> tuple[int, int]:
        """From this position of the log on nothing has to be left out."""
        return max((view.at for view in self.views), default=(0, 0))

    def unseen(self, table: str, kind: str, row: Row, begin: tuple[int, int], behind: Behind) -> tuple[str, Row] | None:
        """What of a change the views of its row, as it was and as it is, do not show.

        Args:
            table: Whose row it is.
            kind: insert, update or delete.
            row: As the log has it: `values`, or `before_values` and `after_values`.
            begin: Where its transaction begins.
            behind: Whether a row is behind the place of a view, by the server's order of keys.
        """
        old, new = row.get("before_values", row.get("values", {})), row.get("after_values", row.get("values", {}))
        gone, come = (begin < self._view(table, part, behind).at for part in (old, new))
        if gone == come:
            return None if gone else (kind, row)
        return ("delete", {"values": old}) if come else ("insert", {"values": new})

    def _view(self, table: str, row: Row, behind: Behind) -> View:
        for view in reversed(self.views[1:]):
            within = table == view.table and view.after
            if behind(view, row) if within else table >= view.table:
                return view
        return self.views[0]


class Snapshot:
    """Reads the rows of a database's tables in one transaction, table by table, behind a place.

    Attributes:
        reading: How far it is.
        at: When its view began.
        count: How many rows this reader has read.
    """

    def __init__(self, link: pymysql.Connection[Any], where: str) -> None:
        self._link, self._where = link, where
        self._columns: dict[str, list[tuple[str, str, int]]] = {}
        self._keys: dict[str, tuple[tuple[str, str], ...]] = {}
        self._tables: list[str] = []
        self.reading, self.at, self.count = Reading(), datetime.now(UTC), 0

    def begin(self, wanted: Sequence[str], reading: Reading) -> None:
        """Begin the transaction, and look at what is to be read.

        Raises:
            ConfigError: a table is missing, or cannot be read so.
        """
        file, position = self._begin()
        engines = {str(name): engine for name, engine in self._rows(_TABLES) if not wanted or name in wanted}
        missing = sorted(set(wanted) - engines.keys())
        if missing:
            raise ConfigError(f"there is no table '{missing[0]}' in {self._where}; correct its name", field="tables")
        self._tables = [name for name in sorted(engines) if name >= reading.table]
        self._keys = {name: self._key(name, engines[name]) for name in self._tables}
        begun = View(file, position, reading.table, reading.after, reading.keys)
        before = [one for one in reading.views if (one.table, one.after) != (begun.table, begun.after)]
        self.reading = structs.replace(reading, views=(*before, begun), done=not self._tables)

    def _rows(self, query: str, values: Sequence[Any] = ()) -> Sequence[Any]:
        with self._link.cursor() as cursor:
            cursor.execute(query, values or None)
            return list(cursor.fetchall())

    def _begin(self) -> tuple[str, int]:
        """Begin the transaction; the position of the log that it shows. MySQL has to be held still for that."""
        for statement in _BEGIN:
            self._rows(statement)
        self._rows(_SNAPSHOT)
        found = {str(name).lower(): value for name, value in self._rows(_MARIADB)}
        if found.get("binlog_snapshot_file"):
            return str(found["binlog_snapshot_file"]), int(found["binlog_snapshot_position"])
        self._rows("FLUSH TABLES WITH READ LOCK")
        try:
            self._rows(_SNAPSHOT)
            return end_of_log(self._link)
        finally:
            self._rows("UNLOCK TABLES")

    def _key(self, table: str, engine: str) -> tuple[tuple[str, str], ...]:
        """The key of a table, which is looked at as a whole."""
        found = self._rows(_COLUMNS, [table])
        self._columns[table] = [(name, kind, precision or 0) for name, kind, precision, _ in found]
        ordered = sorted((place, name, kind) for name, kind, _, place in found if place is not None)
        keys = tuple((name, kind) for _, name, kind in ordered)
        if str(engine).lower() != "innodb":
            raise ConfigError(
                f"'{table}' of {self._where} is of {engine}, so its rows cannot be read as of one moment; make it "
                "InnoDB, or choose to leave out the rows that are there",
                field="snapshot",
            )
        if not keys or not KEYS.issuperset(kind for _, kind in keys):
            raise ConfigError(
                f"'{table}' of {self._where} has no primary key of whole numbers, text or dates, so its rows cannot be "
                "read piece by piece; give it one, or choose to leave out the rows that are there",
                field="snapshot",
            )
        return keys

    def batch(self, count: int) -> tuple[str, list[dict[str, Any]]]:
        """A table and at most so many of its rows, moving `reading` along; no rows when all are read."""
        while self._tables:
            table = self._tables[0]
            rows = self._fetch(table, count)
            if rows:
                self.count += len(rows)
                return table, rows
        return "", []

    def _fetch(self, table: str, count: int) -> list[dict[str, Any]]:
        keys, reading = self._keys[table], self.reading
        names: list[sa.ColumnClause[Any]] = [sa.column(name) for name, _ in keys]
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name, _, _ in self._columns[table]]
        query: sa.Select[Any] = sa.select(*columns).select_from(sa.table(table))
        if table == reading.table and reading.after:
            query = query.where(sa.tuple_(*names) > sa.tuple_(*literals(keys, reading.after)))
        found = self._rows(*written(query.order_by(*names).limit(count)))
        rows = [self._row(table, row) for row in found]
        if len(rows) == count:
            last = tuple(_stored(rows[-1][name]) for name, _ in keys)
            self.reading = structs.replace(reading, table=table, after=last, keys=keys)
        else:
            self._tables = self._tables[1:]
            name = self._tables[0] if self._tables else ""
            self.reading = structs.replace(reading, table=name, after=(), keys=(), done=not self._tables)
        return rows

    def _row(self, table: str, row: Sequence[Any]) -> dict[str, Any]:
        """A row in the form that the log has."""
        columns = zip(self._columns[table], row, strict=True)
        return {name: _logged(kind, bits, value) for (name, kind, bits), value in columns}

    def close(self) -> None:
        """Hang up; twice is fine."""
        if self._link.open:
            self._link.close()


class Order:
    """Asks the server whether a row is behind a place: its order of keys is not ours."""

    def __init__(self, link: pymysql.Connection[Any]) -> None:
        self._link = link

    def behind(self, view: View, row: Row) -> bool:
        """Whether a row of the view's table is behind the view's place; types and collation are those of the table."""
        names: list[sa.ColumnClause[Any]] = [sa.column(name) for name, _ in view.keys]
        given = [_stored(row[name]) for name, _ in view.keys]
        typed = sa.select(*names).select_from(sa.table(view.table)).limit(0)
        one = typed.union_all(sa.select(*literals(view.keys, given))).subquery("one")
        place = sa.tuple_(*literals(view.keys, view.after))
        query = sa.select(sa.tuple_(*(one.c[name] for name, _ in view.keys)) > place)
        with self._link.cursor() as cursor:
            cursor.execute(*written(query))
            return bool((cursor.fetchone() or (0,))[0])

    def close(self) -> None:
        """Hang up; twice is fine."""
        if self._link.open:
            self._link.close()


def end_of_log(link: pymysql.Connection[Any]) -> tuple[str, int]:
    """File and position of the log's end."""
    with link.cursor() as cursor:
        try:
            cursor.execute("SHOW MASTER STATUS")
        except pymysql.ProgrammingError:  # MySQL 8.4 has renamed it
            cursor.execute("SHOW BINARY LOG STATUS")
        file, position = (cursor.fetchone() or ("", 0))[:2]
    return str(file), int(position)


def place_of(file: str, position: int) -> tuple[int, int]:
    """A position of the log as numbers: files are counted after their last point."""
    return int(file.rpartition(".")[2]), position


def literals(keys: Sequence[tuple[str, str]], values: Sequence[Any]) -> list[sa.BindParameter[Any]]:
    """Values of a key, as they are stored, for the server to compare."""
    return [
        sa.literal(bytes.fromhex(value) if kind in _BYTES else value)
        for (_, kind), value in zip(keys, values, strict=True)
    ]


def written(query: sa.Select[Any]) -> tuple[str, list[Any]]:
    """A query as the driver takes it."""
    compiled = query.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    return compiled.string, [compiled.params[name] for name in compiled.positiontup or ()]


def _logged(kind: str, bits: int, value: Any) -> Any:
    """A value in the form that the log has."""
    if value is None:
        return None
    if kind == "bit":
        return format(int.from_bytes(value), f"0{bits}b")
    if kind == "set":
        return set(value.split(",")) if value else None
    if kind == "float":
        return _FLOAT.unpack(_FLOAT.pack(value))[0]
    if kind == "json":
        return msgspec.json.decode(value)
    return value


def _stored(value: Any) -> Any:
    """A value of a key as the cursor keeps it."""
    return value.hex() if isinstance(value, bytes) else msgspec.to_builtins(value)
