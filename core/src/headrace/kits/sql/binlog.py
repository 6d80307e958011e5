"""Changes of MySQL and MariaDB tables, from the binlog: what commits after the cursor, in order, each once."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import msgspec
import pymysql
from msgspec import Struct
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.event import QueryEvent, XidEvent
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

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
    """Where we are: before the transaction at `position` of `file`, but for its first `done` changes."""

    server: str
    file: str
    position: int
    done: int = 0


class BinlogChanges(SourceTrigger[BinlogConfig]):
    """Reads the binlog as a replica does. A place is at a transaction's begin, as only from there it can be read."""

    def __init__(self, config: BinlogConfig, secrets: Any) -> None:
        super().__init__(config, secrets)
        self._stream: Any = None
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
                return Received(cursor=msgspec.to_builtins(self._now(connector)), more=True)
            place = msgspec.convert(cursor, Place)
            if self._stream is None or place != self._place:
                self._open(connector, place, ctx.trigger_id)
            rows = self._batch(wait_s)
        except pymysql.Error as error:
            self.close()
            raise _told(error, connector.where) from error
        position = "_position" if self.config.shape == "columns" else "position"
        events = [Event(key=f"{place.server}:{rows[0][position]}", rows=rows)] if rows else []
        return Received(events=events, cursor=msgspec.to_builtins(self._place), more=True)

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
            try:
                cursor.execute("SHOW MASTER STATUS")
            except pymysql.ProgrammingError:  # MySQL 8.4 has renamed it
                cursor.execute("SHOW BINARY LOG STATUS")
            file, position = cursor.fetchone()[:2]
        return Place(server, file, position)

    def _open(self, connector: MysqlConnector[Any], place: Place, trigger_id: object) -> None:
        self.close()
        now = self._now(connector)
        if now.server != place.server:
            raise ConfigError(
                f"{connector.where} is another server than the one whose changes were read; delete this trigger and "
                "make it again to begin from now on",
                field="connection",
            )
        self._stream = BinLogStreamReader(
            connection_settings=_settings(connector), server_id=zlib.crc32(str(trigger_id).encode()) % 2**31 + 1,
            log_file=place.file, log_pos=place.position, resume_stream=True, blocking=False,
            only_events=[*_KINDS, XidEvent, QueryEvent], only_schemas=[connector.url().database],
        )  # fmt: skip
        self._place = place
        self._source = self._changes(place)

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
                        self._place = Place(place.server, *begin, count)
                        if self._wanted(event):
                            yield self._row(event, row, begin, count)
            elif isinstance(event, XidEvent) or _ends(event.query):
                begin, skip, count = (self._stream.log_file, event.packet.log_pos), 0, 0
                self._place = Place(place.server, *begin)

    def _wanted(self, event: Any) -> bool:
        tables = self.config.tables
        return _KINDS[type(event)] in self.config.operations and (not tables or event.table in tables)

    def _row(self, event: Any, row: Mapping[str, Any], begin: tuple[str, int], count: int) -> dict[str, Any]:
        operation = _KINDS[type(event)]
        before = row.get("before_values", row.get("values") if operation == "delete" else None)
        after = row.get("after_values", row.get("values") if operation == "insert" else None)
        facts = {
            "operation": operation, "schema": event.schema, "table": event.table,
            "position": f"{begin[0]}:{begin[1]}:{count}", "committed_at": event.timestamp,
        }  # fmt: skip
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
        stream, self._stream, self._place, self._source = self._stream, None, None, iter(())
        if stream is not None:
            stream.close()


def _ends(query: str | bytes) -> bool:
    """Whether a statement of the log ends a transaction, as DDL does by itself."""
    words = (query.decode(errors="replace") if isinstance(query, bytes) else query).upper().split()
    return bool(words) and words[0] not in {"BEGIN", "SAVEPOINT"} and words[:2] != ["ROLLBACK", "TO"]


def _plain(row: Mapping[str, Any] | None) -> Any:
    """Values as JSON has them."""
    return None if row is None else msgspec.to_builtins(dict(row), enc_hook=str)


def _settings(connector: MysqlConnector[Any]) -> dict[str, Any]:
    """Arguments of a link beside the engine's, through the same door."""
    url = connector.url()
    return {
        **connector.pinned(url.host or "", check_host(url.host or "", url.port or 0)), **connector.connect_args(),
        "port": url.port, "user": url.username, "password": url.password or "", "database": url.database,
        "charset": "utf8mb4",
    }  # fmt: skip


def _told(error: pymysql.Error, where: str) -> HeadraceError:
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
