"""The work: births are asked for, messages become rows until it is quiet; rows become a node's data, or commands."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.mqtt import REFUSED, HungUp, Link
from headrace.kits.records.spool import Part, Spool
from headrace.kits.records.taking import MessagesConnector
from headrace.sdk import Column, ConfigError, DataType, HeadraceError, Message, Taken, Taking

from headrace_connector_mqtt_sparkplug import SparkplugConfig, SparkplugReadOptions, SparkplugWriteOptions
from headrace_connector_mqtt_sparkplug.edge import Edge, now_ms, rebirth
from headrace_connector_mqtt_sparkplug.host import SPACE, Host
from headrace_connector_mqtt_sparkplug.payload import NUMBERS, Payload, fill, kind_of

ANSWER_S = 3.0
"""So long, at least, is waited for the first answer of nodes that are asked."""


class SparkplugConnector(MessagesConnector[SparkplugConfig]):
    """One broker; a link for each call."""

    service = "MQTT"
    kind = "node"
    facts = (
        Column("group", DataType.TEXT, nullable=False), Column("node", DataType.TEXT, nullable=False),
        Column("device", DataType.TEXT), Column("metric", DataType.TEXT), Column("datatype", DataType.TEXT),
        Column("number", DataType.FLOAT, bits=64), Column("text", DataType.TEXT),
        Column("quality", DataType.INTEGER, bits=64), Column("historical", DataType.BOOLEAN),
        Column("at", DataType.TIMESTAMP, zone="UTC"), Column("message", DataType.TEXT),
        Column("seq", DataType.INTEGER, bits=64),
    )  # fmt: skip
    modes = ("append",)
    read_options = SparkplugReadOptions
    write_options = SparkplugWriteOptions
    _link: Link | None = None
    _edge: Edge | None = None
    _hears: tuple[str, Link, Host, list[str]] | None = None

    def ping(self) -> None:
        """Sign in anew."""
        self.hang_up()
        self._link = Link(self.config)

    def names(self) -> Iterable[str]:
        """Nodes as the connection says, once the broker answers."""
        self.ping()
        return self.config.nodes

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """What nodes tell, from their births on, until it is quiet."""
        link, host, device = self._listening(name, births=options.rebirth)
        end = quiet = time.monotonic()
        end, count = end + options.listen_s, 0
        wait = max(self.quiet_s, ANSWER_S if host.wanted else 0)
        while count < options.max_messages and time.monotonic() < min(end, quiet + wait):
            _ask(link, host)
            link.work(min(0.1, self.quiet_s / 4))
            while link.inbox and count < options.max_messages:
                topic, raw = link.inbox.popleft()
                if topic.split("/")[2] in {"NCMD", "DCMD"}:  # also our own
                    continue
                count, quiet, wait = count + 1, time.monotonic(), self.quiet_s
                yield from _of(host.rows(topic, raw), device)
        yield from _of(host.rest(), device)

    def _listening(self, name: str, *, births: bool) -> tuple[Link, Host, list[str]]:
        """A link that hears a node, what is known of it, and which of its devices is meant."""
        group, node, *device = _path(name)
        self.hang_up()
        self._link = link = Link(self.config)
        host = Host()
        link.subscribe(f"{SPACE}/{group}/+/{node}/#")
        for one in map(_path, self.config.nodes if births else ()):
            if group in {"+", one[0]} and node in {"+", one[1]}:
                host.ask((one[0], one[1]))
        return link, host, device

    def take(self, asked: Taking) -> Taken:
        """Metrics that came since the last call; the link stays open, and what comes while it is lost is gone."""

        def some() -> list[Message]:
            if self._hears is None or self._hears[0] != asked.stream or self._link is None:
                self._hears = (asked.stream, *self._listening(asked.stream, births=True))
            _, link, host, device = self._hears
            end, found = time.monotonic() + asked.wait_s, list[Message]()
            while not found and time.monotonic() < end:
                _ask(link, host)
                link.work(0.1)
                while link.inbox and len(found) < asked.most:
                    topic, raw = link.inbox.popleft()
                    if topic.split("/")[2] not in {"NCMD", "DCMD"}:
                        found += [Message(uuid4().hex, dict(row)) for row in _of(host.rows(topic, raw), device)]
            return found

        return Taken(messages=self._call(some), cursor=dict(asked.cursor), more=True)

    def released(self) -> None:
        """Each read has a link of its own."""
        self.hang_up()

    def begin(self, write: Write, spool: Spool) -> None:
        """Rows are metrics of a node of one's own, or commands."""
        path = _path(write.name)
        self.hang_up()
        if "+" in path:
            raise ConfigError(f"'{write.name}' is a filter; write to a node or a device", field="stream")
        if write.options.role == "edge":
            names = [name for name in spool.columns if name != write.options.time_column]
            self._edge = Edge(self.config, path, names)
        else:
            if spool.rows and ("metric" not in spool.columns or not {"number", "text"} & set(spool.columns)):
                raise ConfigError(
                    "commands need a column 'metric', and 'number' or 'text' with the value", field="role"
                )
            self._link = Link(self.config)

    def give(self, write: Write, part: Part) -> Given:
        """Send row by row; a value that does not fit rejects its row before anything of it is sent."""
        rejects = []
        if self._edge is not None:
            self._edge.begin(part.records)
        for index, record in enumerate(part.records):
            try:
                if self._edge is not None:
                    at = record.pop(write.options.time_column, None) if write.options.time_column else None
                    self._edge.tell(record, _ms(at))
                else:
                    self._command(_path(write.name), record)
            except ValueError as error:
                rejects.append(part.rejected(index, f"the row {error}"))
        if self._edge is not None:
            self._edge.settle()
        return Given(0, rejects)

    def _command(self, path: list[str], record: Record) -> None:
        value = record.get("number") if record.get("number") is not None else record.get("text")
        kind = str(record.get("datatype") or kind_of(value))
        if not record.get("metric") or kind not in NUMBERS:
            raise ValueError(
                "has no metric" if not record.get("metric") else f"holds the datatype '{kind}'; there is none"
            )
        payload = Payload(timestamp=now_ms())
        fill(payload.metrics.add(name=str(record["metric"]), timestamp=payload.timestamp), kind, value)
        group, node, *device = path
        topic = "/".join((SPACE, group, "DCMD" if device else "NCMD", node, *device))
        if self._link is not None:
            self._link.publish(topic, payload.SerializeToString())

    def end(self, write: Write, spool: Spool) -> None:
        """The node dies with the write; the broker has all of it."""
        if self._edge is not None:
            edge, self._edge = self._edge, None
            edge.die()
        elif self._link is not None:
            self._link.subscribe(f"{SPACE}/{'/'.join(_path(write.name)[:1])}/STATE")
        self.hang_up()

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By what the broker said."""
        if isinstance(error, HungUp):
            return self.refused(error) if str(error) in REFUSED else self.away(error)
        return None

    def hang_up(self) -> None:
        """Close the link; a node that was not ended dies by its will."""
        link, self._link, self._edge, self._hears = self._link, None, None, None
        if link is not None:
            link.close()


def _path(name: str) -> list[str]:
    parts = name.split("/")
    if len(parts) not in {2, 3} or not all(parts) or any(set(part) & set("#\0") or "+" in part[1:] for part in parts):
        raise ConfigError(f"'{name[:100]}' names no node; write it as group/node or group/node/device", field="stream")
    return parts


def _ask(link: Link, host: Host) -> None:
    """Ask for the births that are wanted."""
    while host.wanted:
        link.publish(f"{SPACE}/{'/NCMD/'.join(host.wanted.pop())}", rebirth())


def _of(found: Iterator[Record], device: list[str]) -> Iterator[Record]:
    """Those of a device, if one is named; it dies with its node."""
    for row in found:
        own = row.get("device") or ""
        if not device or row.get("message") == "NDEATH" or own == device[0] or (own and device[0] == "+"):
            yield row


def _ms(at: Any) -> int:
    if at is None:
        return now_ms()
    if not isinstance(at, datetime):
        raise ValueError(f"holds {at!r:.50} in the time column, which is no moment")  # noqa: TRY004 - words of a row
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
