"""Rows that are there before the first change: read as one transaction sees them, then told by the log without a gap.

Each reader is a *view*: what one transaction sees of the rows behind a place. A change that the view of its row has
seen is not told again. So rows and changes fit together also when a reader dies and a later one reads the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import msgspec
import psycopg
from headrace.sdk import ConfigError
from msgspec import Struct, structs
from psycopg import sql
from psycopg.rows import dict_row

from headrace_connector_postgresql.connector import told
from headrace_connector_postgresql.pgoutput import EPOCH, Change, Decoder, Relation, lsn_of

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PATIENT = (
    "SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)"
)
_STANDBY = "SELECT pg_is_in_recovery() AS standby"
_VIEW = "SELECT pg_current_snapshot()::text AS seen, pg_current_wal_insert_lsn()::text AS until, now() AS at"
_TABLES = """
SELECT t.schemaname || '.' || t.tablename AS name, t.schemaname AS schema, t.tablename AS table,
  j ->> 'rowfilter' IS NOT NULL AS filtered, c.relkind = 'p' AS parts,
  ARRAY(SELECT ARRAY[a.attname::text, a.atttypid::text] FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND (a.attgenerated = '' OR current_setting('server_version_num')::int >= 180000)
      AND (j -> 'attnames' IS NULL OR j -> 'attnames' ? a.attname) ORDER BY a.attnum) AS columns,
  ARRAY(SELECT a.attname::text FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY k(no, place)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.no
    WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY k.place) AS keys
FROM pg_publication_tables t CROSS JOIN LATERAL to_jsonb(t) j JOIN pg_namespace n ON n.nspname = t.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
WHERE t.pubname = %(publication)s
"""
_OPEN = sql.SQL("DECLARE headrace NO SCROLL CURSOR FOR SELECT {columns} FROM {table}{behind} ORDER BY {keys}")
_BEHIND = sql.SQL("""
SELECT ({keys}) > ({after}) FROM jsonb_populate_record(NULL::{table}, %s::jsonb)
""")
_FETCH = sql.SQL("FETCH FORWARD {} FROM headrace")


Behind: TypeAlias = "Callable[[View, dict[str, Any]], bool]"


class View(Struct, frozen=True, omit_defaults=True):
    """What one transaction sees of the rows behind a place.

    Attributes:
        seen: The transactions that it sees, as `pg_current_snapshot()` writes them.
        until: Where the log was then: what commits behind it, no view has seen.
        table: The place: it has read this table behind `after`, and the tables behind it; empty for all.
        keys: The key's columns of that table.
    """

    seen: str
    until: str
    table: str = ""
    after: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def has_seen(self, xid: int) -> bool:
        """Whether a transaction had committed when the view began; the log has only the low half of its number."""
        low, high, running = self.seen.split(":")
        full = (int(high) & ~0xFFFFFFFF) | xid
        full += 2**32 if full < int(high) - 2**31 else -(2**32) if full > int(high) + 2**31 else 0
        return full < int(low) or (full < int(high) and str(full) not in running.split(","))


class Reading(Struct, frozen=True, omit_defaults=True):
    """How far the rows are read: up to `after` of `table`; `done` when all are."""

    views: tuple[View, ...] = ()
    table: str = ""
    after: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    done: bool = False

    @property
    def until(self) -> int:
        """Behind this place of the log nothing has to be left out."""
        return max((lsn_of(view.until) for view in self.views), default=0)

    def unseen(self, change: Change, xid: int, behind: Behind) -> Change | None:
        """What of a change the views of its row, as it was and as it is, have not seen.

        Args:
            change: Of a transaction.
            xid: The transaction.
            behind: Whether a row is behind the place of a view, by the server's order of keys.

        Raises:
            ConfigError: a table was emptied between two of its views.
        """
        name = f"{change.relation.schema}.{change.relation.table}"
        if change.operation == "truncate":
            return self._emptied(change, name, xid)
        old, new = change.before or change.after, change.after or change.before
        gone, come = (self._view(name, row, behind).has_seen(xid) for row in (old, new))
        if gone == come:
            return None if gone else change
        if come:
            return structs.replace(change, operation="delete", after=None, unchanged=())
        return structs.replace(change, operation="insert", before=None)

    def _view(self, table: str, row: dict[str, Any] | None, behind: Behind) -> View:
        for view in reversed(self.views[1:]):
            within = table == view.table and view.after and row is not None
            if behind(view, row or {}) if within else table >= view.table:
                return view
        return self.views[0]

    def _emptied(self, change: Change, table: str, xid: int) -> Change | None:
        parts = [view for view in self.views if view.table == table and view.after]
        before = [view for view in self.views if view.table < table or (view.table == table and not view.after)]
        seen = {view.has_seen(xid) for view in (*before[-1:], *parts)}
        if len(seen) > 1:
            raise ConfigError(
                f"the table '{table}' was emptied while its first rows were read; delete this trigger and make it "
                "again",
                field="tables",
            )
        return None if seen == {True} else change


class _Table(Struct, frozen=True):
    """A table of a publication; `columns` as (name, number of its type)."""

    name: str
    schema: str
    table: str
    filtered: bool
    parts: bool
    columns: list[list[str]]
    keys: list[str]


class Snapshot:
    """Reads the rows of a publication's tables in one transaction, table by table, behind a place.

    Attributes:
        reading: How far it is.
        at: When its view began, by the server's clock.
        count: How many rows this reader has read.
    """

    def __init__(self, link: psycopg.Connection[Any], where: str) -> None:
        self._link, self._where = link, where
        self._decoder = Decoder()
        self._tables: list[_Table] = []
        self._open: _Table | None = None
        self.reading, self.at, self.count = Reading(), EPOCH, 0

    def begin(self, publication: str, wanted: Collection[str], reading: Reading) -> None:
        """Begin the transaction, and look at what is to be read.

        Raises:
            ConfigError: a table cannot be read so.
        """
        with self._translated():
            asking = self._link.cursor(row_factory=dict_row)
            if asking.execute(_STANDBY).fetchone()["standby"]:  # type: ignore[index]
                raise ConfigError(
                    f"{self._where} is a standby, which cannot say what its rows have seen; connect to the primary, or "
                    "choose to leave out the rows that are there",
                    field="snapshot",
                )
            self._link.execute(_BEGIN)
            self._link.execute(_PATIENT)
            view = asking.execute(_VIEW).fetchone() or {}
            rows = asking.execute(_TABLES, {"publication": publication}).fetchall()
        found = [_Table(**row) for row in rows if not wanted or row["name"] in wanted]
        self._tables = [table for table in sorted(found, key=lambda table: table.name) if table.name >= reading.table]
        self._refuse()
        self.at = view["at"]
        begun = View(view["seen"], view["until"], reading.table, reading.after, reading.keys)
        before = [one for one in reading.views if (one.table, one.after) != (begun.table, begun.after)]
        self.reading = structs.replace(reading, views=(*before, begun), done=not self._tables)

    def _refuse(self) -> None:
        for table in self._tables:
            if table.filtered:
                raise ConfigError(
                    f"the publication has a filter on the rows of '{table.name}'; choose to leave out the rows that "
                    "are there, or name a publication without",
                    field="snapshot",
                )
            if not table.keys:
                raise ConfigError(
                    f"'{table.name}' has no primary key, so its rows cannot be read piece by piece; give it one, or "
                    "choose to leave out the rows that are there",
                    field="snapshot",
                )

    def batch(self, count: int) -> list[Change]:
        """At most so many rows of one table, moving `reading` along; none when all are read."""
        with self._translated():
            while self._tables:
                table = self._tables[0]
                if self._open is not table:
                    self._begin(table)
                found = self._fetch(table, count)
                if found:
                    self.count += len(found)
                    return found
        return []

    def _begin(self, table: _Table) -> None:
        after = self.reading.after if table.name == self.reading.table else ()
        keys = _names(table.keys)
        whole = sql.Identifier(table.schema, table.table)
        behind = sql.SQL(" WHERE ({}) > ({})").format(keys, sql.SQL(", ").join(map(sql.Literal, after)))
        query = _OPEN.format(
            columns=_names([name for name, _ in table.columns]), behind=behind if after else sql.SQL(""),
            table=whole if table.parts else sql.SQL("ONLY {}").format(whole), keys=keys,
        )  # fmt: skip
        self._link.execute(query)
        self._open = table

    def _fetch(self, table: _Table, count: int) -> list[Change]:
        """The next rows, moving `reading` behind the last of them, or behind the table."""
        fetch = _FETCH.format(sql.Literal(count))
        result = self._link.execute(fetch).pgresult
        assert result is not None  # noqa: S101 - of a statement that was executed
        relation = Relation(table.schema, table.table, ())
        kinds = [(name, int(kind)) for name, kind in table.columns]
        rows = [
            {name: result.get_value(number, place) for place, (name, _) in enumerate(kinds)}
            for number in range(result.ntuples)
        ]
        if len(rows) == count:
            after = tuple((rows[-1][name] or b"").decode() for name in table.keys)
            self.reading = structs.replace(self.reading, table=table.name, after=after, keys=tuple(table.keys))
        else:
            self._link.execute("CLOSE headrace")
            self._tables, self._open = self._tables[1:], None
            name = self._tables[0].name if self._tables else ""
            self.reading = structs.replace(self.reading, table=name, after=(), keys=(), done=not self._tables)
        value = self._decoder.value
        return [
            Change("read", relation, after={
                name: None if (raw := row[name]) is None else value(kind, raw) for name, kind in kinds
            })
            for row in rows
        ]  # fmt: skip

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise told(error, self._where) from error

    def close(self) -> None:
        """Hang up; twice is fine."""
        self._link.close()


class Order:
    """Asks the server whether a row is behind a place: its order of keys is not ours."""

    def __init__(self, link: psycopg.Connection[Any], where: str) -> None:
        self._link, self._where = link, where

    def behind(self, view: View, row: dict[str, Any]) -> bool:
        """Whether a row of the view's table is behind the view's place."""
        known = {name: _text(row[name]) for name in view.keys}
        query = _BEHIND.format(
            keys=_names(view.keys), after=sql.SQL(", ").join(map(sql.Literal, view.after)),
            table=sql.Identifier(*view.table.split(".", 1)),
        )  # fmt: skip
        try:
            found = self._link.execute(query, [msgspec.json.encode(known).decode()]).fetchone()
        except psycopg.Error as error:
            raise told(error, self._where) from error
        return bool(found and found[0])

    def close(self) -> None:
        """Hang up; twice is fine."""
        self._link.close()


def _names(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _text(value: Any) -> Any:
    """A value of a key as the server reads it from JSON."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value
