"""The work: a subscription gives the retained messages first, and its end tells that there are no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from headrace.kits.records.connector import After, Given, RecordsConnector, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of, text_of
from headrace.kits.records.mqtt import REFUSED, HungUp, Link, MQTTMessage
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import Column, ConfigError, DataType, HeadraceError

from headrace_connector_mqtt import MqttConfig, MqttWriteOptions

BODY_BYTES = 1024 * 1024


class _Retained(Link):
    """Keeps the retained messages only."""

    def __init__(self, config: MqttConfig) -> None:
        self.retained: list[MQTTMessage] = []
        super().__init__(config)

    def arrived(self, message: MQTTMessage) -> None:
        """Takes one that the broker had kept."""
        if message.retain:
            self.retained.append(message)


class MqttConnector(RecordsConnector[MqttConfig]):
    """One broker; a link for each call, without a session."""

    service = "MQTT"
    kind = "topic"
    key = ("_topic",)
    facts = (Column("_topic", DataType.TEXT, nullable=False), Column("_qos", DataType.INTEGER, nullable=False, bits=64))
    modes = ("append",)
    write_options = MqttWriteOptions
    _open: _Retained | None = None

    def _link(self) -> _Retained:
        self._open = self._open or _Retained(self.config)
        return self._open

    def ping(self) -> None:
        """Sign in anew: an old link may be dead without knowing."""
        self.hang_up()
        self._link()

    def names(self) -> Iterable[str]:
        """As the connection says, once the broker answers."""
        self.ping()
        return self.config.topics

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Retained messages of a topic or filter."""
        link = self._link()
        link.retained.clear()
        link.subscribe(name)
        link.unsubscribe(name)
        for message in link.retained:
            yield {**fields_of(bytes(message.payload)), "_topic": message.topic, "_qos": message.qos}

    def released(self) -> None:
        """Each read has a link of its own."""
        self.hang_up()

    def begin(self, write: Write, spool: Spool) -> None:
        """A filter cannot be written; each write has a link of its own."""
        self.hang_up()
        if set(write.name) & {"+", "#"}:
            raise ConfigError(f"'{write.name}' is a filter; publish to a topic", field="stream")

    def give(self, write: Write, part: Part) -> Given:
        """Publish, and wait for all acknowledgements."""
        link = self._link()
        made, rejects = bodies(part, BODY_BYTES)
        for index, body in made.items():
            below = text_of(part.records[index], write.options.topic_column) if write.options.topic_column else ""
            if set(below) & {"+", "#", "\0"}:
                rejects.append(
                    part.rejected(index, f"'{below[:50]}' is no part of a topic", write.options.topic_column)
                )
                continue
            topic = f"{write.name}/{below}" if below else write.name
            link.publish(topic, body, qos=1, retain=write.options.retain)
        link.settle()
        return Given(0, rejects)

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By what the broker said."""
        if isinstance(error, HungUp):
            return self.refused(error) if str(error) in REFUSED else self.away(error)
        return None

    def hang_up(self) -> None:
        """Say goodbye."""
        link, self._open = self._open, None
        if link is not None:
            link.close()
