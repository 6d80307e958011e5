"""Changes of tables, through logical replication: first the rows that are there, then what commits, each once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec
from headrace.sdk import ConfigError, Event, Received, SourceContext, SourceTrigger, Standing, TransientError
from msgspec import Struct, structs

from headrace_connector_postgresql.changes_config import ChangesConfig
from headrace_connector_postgresql.connector import PostgresqlConnector
from headrace_connector_postgresql.pgoutput import Begin, Change, Commit, Decoder, lsn_of, lsn_text
from headrace_connector_postgresql.replication import Replication
from headrace_connector_postgresql.slot import Slot
from headrace_connector_postgresql.snapshot import Order, Reading, Snapshot

BYTES_MAX = 4 * 2**20
"""A batch is closed at so many bytes of the log's messages."""
SILENT_S = 30.0
"""A server that stops in the middle of a transaction is asked again after this."""
IDLE_EVERY_S = 10.0
"""How often the place moves on while nothing changes for us, so that the server may forget its log."""


class Place(Struct, frozen=True, omit_defaults=True):
    """Where we are: everything that commits before `lsn`, and `done` changes of the transaction that commits at `part`.

    Attributes:
        system: Server and timeline that the place is of.
        reading: The rows that were there, while they are read, and until no change can be one that they show already.
    """

    system: str
    lsn: int
    part: int = 0
    done: int = 0
    reading: Reading | None = None

    @classmethod
    def of(cls, cursor: Mapping[str, Any]) -> Place:
        """From what is stored."""
        reading = msgspec.convert(cursor["snapshot"], Reading) if "snapshot" in cursor else None
        part, done = lsn_of(cursor.get("part", "0/0")), cursor.get("done", 0)
        return cls(cursor["system"], lsn_of(cursor["lsn"]), part, done, reading)

    def cursor(self) -> dict[str, Any]:
        """As it is stored."""
        more: dict[str, Any] = {"part": lsn_text(self.part), "done": self.done} if self.done else {}
        if self.reading is not None:
            more["snapshot"] = msgspec.to_builtins(self.reading)
        return {"system": self.system, "lsn": lsn_text(self.lsn), **more}

    def behind(self, lsn: int) -> Place:
        """Behind everything that commits before `lsn`."""
        past = self.reading is not None and self.reading.done and lsn >= self.reading.until
        return Place(self.system, max(self.lsn, lsn), reading=None if past else self.reading)


class Changes(SourceTrigger[ChangesConfig]):
    """Reads the log of one publication. The slot moves on only once events and place are stored."""

    def __init__(self, config: ChangesConfig, secrets: Any) -> None:
        super().__init__(config, secrets)
        self._link: Replication | None = None
        self._snapshot: Snapshot | None = None
        self._order: Order | None = None
        self._decoder = Decoder()
        self._place: Place | None = None
        self._begin: Begin | None = None
        self._count = 0
        self._moved_at = 0.0

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """The next batch of changes as one event.

        Raises:
            ConfigError, AuthError, TransientError: as the server answers.
        """
        if not cursor:
            found = self._slot(ctx).prepare(first=True)
            reading = Reading() if self.config.snapshot == "initial" else None
            begin = Place(found.system, lsn_of(found.confirmed or "0/0"), reading=reading)
            return Received(cursor=begin.cursor(), more=True)
        place = Place.of(cursor)
        if place.reading is not None and not place.reading.done:
            return self._read(ctx, place, place.reading)
        if self._link is None or place != self._place:
            self._open(ctx, place)
        rows = self._batch(wait_s)
        assert self._place is not None  # noqa: S101 - set when opened
        if rows:
            key = f"{place.system}:{rows[0]['_position' if self.config.shape == 'columns' else 'position']}"
            return Received(events=[Event(key=key, rows=rows)], cursor=self._place.cursor(), more=True)
        self._place = self._moved(place)
        return Received(cursor=self._place.cursor(), more=True)

    def _read(self, ctx: SourceContext, place: Place, reading: Reading) -> Received:
        """The next rows of those that are there, as one event."""
        snapshot = self._snapshot
        if snapshot is None or snapshot.reading != reading:
            self.close()
            slot = self._slot(ctx)
            self._check(slot, place)
            snapshot = self._snapshot = Snapshot(_connector(ctx, self.config).link(), slot.where)
            snapshot.begin(slot.publication, self._tables(), reading)
        begin, count = Begin(snapshot.reading.until, snapshot.at, 0), snapshot.count + 1
        rows = [
            self._row(change, begin, n) for n, change in enumerate(snapshot.batch(self.config.batch_changes), count)
        ]
        cursor = structs.replace(place, reading=snapshot.reading).cursor()
        if snapshot.reading.done:
            self.close()
        events = [Event(key=f"{place.system}:snapshot:{uuid4()}", rows=rows)] if rows else []
        return Received(events=events, cursor=cursor, more=True)

    def _moved(self, place: Place) -> Place:
        """Now and then the place moves over what is not for us; each time costs a transaction."""
        if time.monotonic() - self._moved_at < IDLE_EVERY_S:
            return place
        self._moved_at = time.monotonic()
        assert self._link is not None  # noqa: S101 - opened before
        assert self._place is not None  # noqa: S101 - set when opened
        return self._place.behind(self._link.idle)

    def _open(self, ctx: SourceContext, place: Place) -> None:
        """Take up reading at a place.

        Raises:
            ConfigError: it is of another server, or the slot has moved past it.
        """
        self.close()
        slot = self._slot(ctx)
        system = self._check(slot, place)
        connector = _connector(ctx, self.config)
        link = self._link = Replication(connector.link(replication=True), slot.where)
        if place.reading is not None and len(place.reading.views) > 1:
            self._order = Order(connector.link(), slot.where)
        link.start(slot.name, slot.publication, place.lsn)
        self._place = structs.replace(place, system=system)

    def _check(self, slot: Slot, place: Place) -> str:
        """That the slot still has everything behind a place; the server and its timeline."""
        found = slot.prepare(first=False)
        if found.system.partition(":")[0] != place.system.partition(":")[0]:
            raise ConfigError(
                f"{slot.where} is another server than the one whose changes were read; delete this trigger and make it "
                "again to begin from now on",
                field="connection",
            )
        if found.wal_status == "lost" or lsn_of(found.confirmed or "0/0") > place.lsn:
            raise ConfigError(
                f"the slot '{slot.name}' of {slot.where} has lost changes that were not read (its log was removed, or "
                "another reader took them); delete this trigger and make it again to begin from now on",
                field="slot",
            )
        return found.system

    def _batch(self, wait_s: float) -> list[dict[str, Any]]:
        """Changes up to a bound; by time a batch ends between transactions only, by size also within one."""
        assert self._link is not None  # noqa: S101 - opened before
        rows: list[dict[str, Any]] = []
        size, until = 0, time.monotonic() + wait_s
        while True:
            open_ = self._begin is not None
            left = SILENT_S if open_ else max(0.0, until - time.monotonic())
            payload = self._link.payload(wait_s=left)
            if payload is None and open_:
                raise TransientError("the server stopped in the middle of a transaction; it is read again")
            if payload is None:
                return rows
            size += len(payload)
            for message in self._decoder.messages(payload):
                row = self._take(message)
                if row is not None:
                    if not rows:
                        until = time.monotonic() + self.config.batch_seconds
                    rows.append(row)
            if rows and (len(rows) >= self.config.batch_changes or size >= BYTES_MAX):
                return rows
            if self._begin is None and time.monotonic() >= until:
                return rows

    def _take(self, message: Begin | Commit | Change) -> dict[str, Any] | None:
        """Count a message; the row of a change that is new and wanted."""
        place = self._place
        assert place is not None  # noqa: S101 - set when opened
        if isinstance(message, Begin):
            self._begin, self._count = message, 0
        elif isinstance(message, Commit):
            self._begin, self._place = None, place.behind(message.end)
        elif self._begin is not None:
            self._count += 1
            if self._begin.final == place.part and self._count <= place.done:
                return None
            self._place = structs.replace(place, part=self._begin.final, done=self._count)
            change: Change | None = message
            if place.reading is not None and self._begin.final <= place.reading.until:
                behind = self._order.behind if self._order is not None else lambda *_: False
                change = place.reading.unseen(message, self._begin.xid, behind)
            if change is not None and self._wanted(change):
                return self._row(change, self._begin, self._count)
        return None

    def _tables(self) -> set[str]:
        return {table if "." in table else f"public.{table}" for table in self.config.tables}

    def _wanted(self, change: Change) -> bool:
        name = f"{change.relation.schema}.{change.relation.table}"
        tables = self._tables()
        return change.operation in self.config.operations and (not tables or name in tables)

    def _row(self, change: Change, begin: Begin, count: int) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "operation": change.operation, "schema": change.relation.schema, "table": change.relation.table,
            "position": f"{lsn_text(begin.final)}:{count}", "transaction": begin.xid or None, "committed_at": begin.at,
        }  # fmt: skip
        if change.unchanged:
            facts["unchanged"] = list(change.unchanged)
        if self.config.shape == "columns":
            named = {f"_{name}": value for name, value in facts.items()}
            return {**(change.after or change.before or {}), **named}
        return {**facts, "before": change.before, "after": change.after}

    def accepted(self, received: Received) -> None:
        """Let the server forget what is stored. In the middle of a transaction it keeps the whole of it."""
        if self._link is not None:
            self._link.confirm(lsn_of(received.cursor["lsn"]))
        self._moved_at = time.monotonic()

    def standing(self, ctx: SourceContext) -> Standing:
        """How far behind the slot is, with a warning while it keeps back too much."""
        if self._link is not None:
            self._link.live()
        slot = self._slot(ctx)
        found = slot.look()
        holds = f"the replication slot '{slot.name}' of {slot.where}" if slot.ours else ""
        status = {
            "slot": slot.name, "publication": slot.publication, "behind_bytes": found.behind_bytes,
            "kept_bytes": found.kept_bytes, "wal_status": found.wal_status,
        }  # fmt: skip
        kept_mb = (found.kept_bytes or 0) / 1_000_000
        warning = ""
        if found.wal_status == "unreserved" or kept_mb > self.config.alert_mb:
            warning = (
                f"the slot '{slot.name}' keeps back {kept_mb:,.0f} MB of log on {slot.where}; see that the flow keeps "
                "up, or delete the trigger"
            )
        return Standing(status=status, warning=warning, holds=holds)

    def retire(self, ctx: SourceContext) -> None:
        """Drop slot and publication, if they are ours."""
        self.close()
        self._slot(ctx).remove()

    def _slot(self, ctx: SourceContext) -> Slot:
        return Slot(_connector(ctx, self.config), self.config, ctx.trigger_id)

    def close(self) -> None:
        """Hang up."""
        opened = (self._link, self._snapshot, self._order)
        self._link = self._snapshot = self._order = self._place = self._begin = None
        self._decoder = Decoder()
        for link in opened:
            if link is not None:
                link.close()


def _connector(ctx: SourceContext, config: ChangesConfig) -> PostgresqlConnector:
    found = ctx.connector(config.connection)
    if not isinstance(found, PostgresqlConnector):
        raise ConfigError("changes are read from PostgreSQL; choose a connection to it", field="connection")
    return found
