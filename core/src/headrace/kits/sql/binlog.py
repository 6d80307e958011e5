"""Changes of MySQL and MariaDB tables, from the binlog: first the rows that are there, then what commits, each once."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any
from uuid import uuid4

import msgspec
import pymysql
from msgspec import Struct, structs
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.event import QueryEvent, XidEvent
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

from headrace.kits.sql.binlog_snapshot import Order, Reading, Snapshot, end_of_log, place_of
from headrace.kits.sql.declare import BinlogConfig
from headrace.kits.sql.mysql import MysqlConnector
from headrace.sdk import AuthError, ConfigError, Event, HeadraceError, Received, SourceContext, TransientError
from headrace.sdk.egress import check_host
from headrace.sdk.triggers import SourceTrigger

POLL_S = 0.5
_PURGED, _RIGHTS = 1236, {1045, 1227, 1044}
_WANTED = {"log_bin": "1", "binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_row_metadata": "FULL"}
_KINDS = {WriteRowsEvent: "insert", UpdateRowsEvent: "update", DeleteRowsEvent: "delete"}


class Place(Struct, frozen=True, omit_defaults=True):
    """Where we are: before the transaction at `position` of `file`, but for its first `done` changes.

    `snapshot` is there while the rows that were there are read, and until no change can be one that they show already.
    """

    server: str
    file: str
    position: int
    done: int = 0
    snapshot: Reading | None = None

    def at(self, file: str, position: int) -> Place:
        """Before the transaction at a position."""
        reading = self.snapshot
        past = reading is not None and reading.done and place_of(file, position) >= reading.until
        return Place(self.server, file, position, snapshot=None if past else reading)


class BinlogChanges(SourceTrigger[BinlogConfig]):
    """Reads the binlog as a replica does. A place is at a transaction's begin, as only from there it can be read."""

    def __init__(self, config: BinlogConfig, secrets: Any) -> None:
        super().__init__(config, secrets)
        self._stream: Any = None
        self._snapshot: Snapshot | None = None
        self._order: Order | None = None
        self._source: Iterator[dict[str, Any] | None] = iter(())
        self._place: Place | None = None

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """The next batch of changes as one event.

        Raises:
            ConfigError: the server keeps no such log, is another one, or has removed what was not read.
            AuthError, TransientError: as the server answers.
        """
        connector = _connector(ctx, self.config)
        try:
            if not cursor:
                reading = Reading() if self.config.snapshot == "initial" else None
                begin = structs.replace(self._now(connector), snapshot=reading)
                return Received(cursor=msgspec.to_builtins(begin), more=True)
            place = msgspec.convert(cursor, Place)
            if place.snapshot is not None and not place.snapshot.done:
                return self._read(connector, place, place.snapshot)
            if self._stream is None or place != self._place:
                self._open(connector, place, ctx.trigger_id)
            rows = self._batch(wait_s)
        except pymysql.Error as error:
            self.close()
            raise _problem(error, connector.where) from error
        position = "_position" if self.config.shape == "columns" else "position"
        events = [Event(key=f"{place.server}:{rows[0][position]}", rows=rows)] if rows else []
        return Received(events=events, cursor=msgspec.to_builtins(self._place), more=True)

    def _read(self, connector: MysqlConnector[Any], place: Place, reading: Reading) -> Received:
        """The next rows of those that are there, as one event."""
        snapshot = self._snapshot
        if snapshot is None or snapshot.reading != reading:
            self.close()
            self._check(connector, place)
            snapshot = self._snapshot = Snapshot(pymysql.connect(**_settings(connector)), connector.where)
            snapshot.begin(self.config.tables, reading)
        count, schema = snapshot.count, str(connector.url().database)
        table, found = snapshot.batch(self.config.batch_changes)
        view = snapshot.reading.views[-1]
        rows = [
            self._told("read", schema, table, f"{view.file}:{view.position}:{number}", snapshot.at, None, row)
            for number, row in enumerate(found, count + 1)
        ]
        cursor = msgspec.to_builtins(structs.replace(place, snapshot=snapshot.reading))
        if snapshot.reading.done:
            self.close()
        events = [Event(key=f"{place.server}:snapshot:{uuid4()}", rows=rows)] if rows else []
        return Received(events=events, cursor=cursor, more=True)

    def _now(self, connector: MysqlConnector[Any]) -> Place:
        """The end of the log.

        Raises:
            ConfigError: the log does not hold whole rows with their names.
        """
        with closing(pymysql.connect(**_settings(connector))) as db, db.cursor() as cursor:
            for name, wanted in _WANTED.items():
                cursor.execute("SHOW GLOBAL VARIABLES LIKE %s", (name,))
                found = cursor.fetchone()
                if found is None or str(found[1]).replace("ON", "1") != wanted:
                    raise ConfigError(
                        f"{connector.where} has {name} = {found[1] if found else 'nothing'}; set it to {wanted} there, "
                        "so that its log holds whole rows",
                        field="connection",
                    )
            cursor.execute("SELECT @@server_id")
            server = str(cursor.fetchone()[0])
            file, position = end_of_log(db)
        return Place(server, file, position)

    def _open(self, connector: MysqlConnector[Any], place: Place, trigger_id: object) -> None:
        self.close()
        self._check(connector, place)
        if place.snapshot is not None and len(place.snapshot.views) > 1:
            self._order = Order(pymysql.connect(**_settings(connector)))
        self._stream = BinLogStreamReader(
            connection_settings=_settings(connector), server_id=zlib.crc32(str(trigger_id).encode()) % 2**31 + 1,
            log_file=place.file, log_pos=place.position, resume_stream=True, blocking=False,
            only_events=[*_KINDS, XidEvent, QueryEvent], only_schemas=[connector.url().database],
        )  # fmt: skip
        self._place = place
        self._source = self._changes(place)

    def _check(self, connector: MysqlConnector[Any], place: Place) -> None:
        """That the server is the one of a place."""
        now = self._now(connector)
        if now.server != place.server:
            raise ConfigError(
                f"{connector.where} is another server than the one whose changes were read; delete this trigger and "
                "make it again to begin from now on",
                field="connection",
            )

    def _changes(self, place: Place) -> Iterator[dict[str, Any] | None]:
        """Changes behind a place, moving it along; None where the log ends for now."""
        skip, count = place.done, 0
        begin = (place.file, place.position)
        while True:
            event = self._stream.fetchone()
            if event is None:
                yield None
                continue
            if type(event) in _KINDS:
                for row in event.rows:
                    count += 1
                    if count > skip:
                        self._place = structs.replace(place, file=begin[0], position=begin[1], done=count)
                        change = self._unseen(event, row, begin, place.snapshot)
                        if change is not None:
                            yield self._row(event, *change, begin, count)
            elif isinstance(event, XidEvent) or _ends(event.query):
                begin, skip, count = (self._stream.log_file, event.packet.log_pos), 0, 0
                place = self._place = place.at(*begin)

    def _unseen(
        self, event: Any, row: Mapping[str, Any], begin: tuple[str, int], reading: Reading | None
    ) -> tuple[str, Mapping[str, Any]] | None:
        """What of a change is wanted, and not in the rows that were read."""
        if self.config.tables and event.table not in self.config.tables:
            return None
        found: tuple[str, Mapping[str, Any]] | None = (_KINDS[type(event)], row)
        if reading is not None and place_of(*begin) < reading.until:
            behind = self._order.behind if self._order is not None else lambda *_: False
            found = reading.unseen(event.table, _KINDS[type(event)], row, place_of(*begin), behind)
        return found if found is not None and found[0] in self.config.operations else None

    def _row(
        self, event: Any, operation: str, row: Mapping[str, Any], begin: tuple[str, int], count: int
    ) -> dict[str, Any]:
        before = row.get("before_values", row.get("values") if operation == "delete" else None)
        after = row.get("after_values", row.get("values") if operation == "insert" else None)
        position = f"{begin[0]}:{begin[1]}:{count}"
        return self._told(operation, event.schema, event.table, position, event.timestamp, before, after)

    def _told(
        self, operation: str, schema: str, table: str, position: str, at: Any, before: Any, after: Any
    ) -> dict[str, Any]:
        facts = {"operation": operation, "schema": schema, "table": table, "position": position, "committed_at": at}
        if self.config.shape == "columns":
            return {**_plain(after or before), **{f"_{name}": value for name, value in facts.items()}}
        return {**facts, "before": _plain(before), "after": _plain(after)}

    def _batch(self, wait_s: float) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        until = time.monotonic() + wait_s
        while len(rows) < self.config.batch_changes:
            row = next(self._source)
            if row is not None:
                if not rows:
                    until = time.monotonic() + self.config.batch_seconds
                rows.append(row)
                continue
            left = until - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(POLL_S, left))
        return rows

    def close(self) -> None:
        """Hang up."""
        opened = (self._stream, self._snapshot, self._order)
        self._stream = self._snapshot = self._order = self._place = None
        self._source = iter(())
        for link in opened:
            if link is not None:
                link.close()


def _ends(query: str | bytes) -> bool:
    """Whether a statement of the log ends a transaction, as DDL does by itself."""
    words = (query.decode(errors="replace") if isinstance(query, bytes) else query).upper().split()
    return bool(words) and words[0] not in {"BEGIN", "SAVEPOINT"} and words[:2] != ["ROLLBACK", "TO"]


def _plain(row: Mapping[str, Any] | None) -> Any:
    """Values as JSON has them."""
    return None if row is None else msgspec.to_builtins(dict(row), enc_hook=str, order="deterministic")


def _settings(connector: MysqlConnector[Any]) -> dict[str, Any]:
    """Arguments of a link beside the engine's, through the same door."""
    url = connector.url()
    return {
        **connector.pinned(url.host or "", check_host(url.host or "", url.port or 0)), **connector.connect_args(),
        "port": url.port, "user": url.username, "password": url.password or "", "database": url.database,
        "charset": "utf8mb4",
    }  # fmt: skip


def _problem(error: pymysql.Error, where: str) -> HeadraceError:
    """One sentence for an error of the log."""
    code = error.args[0] if error.args else 0
    if code == _PURGED:
        return ConfigError(
            f"{where} has removed log that was not read; delete this trigger and make it again to begin from now on, "
            "and let the server keep its log for longer",
            detail=repr(error), field="connection",
        )  # fmt: skip
    if code in _RIGHTS:
        return AuthError(
            f"{where} refuses the user; give it the rights REPLICATION SLAVE, REPLICATION CLIENT and SELECT",
            detail=repr(error),
        )
    return TransientError(f"the link to {where} was lost; it is taken up again", detail=repr(error))


def _connector(ctx: SourceContext, config: BinlogConfig) -> MysqlConnector[Any]:
    found = ctx.connector(config.connection)
    if not isinstance(found, MysqlConnector):
        raise ConfigError("changes are read from MySQL or MariaDB; choose a connection to it", field="connection")
    return found
