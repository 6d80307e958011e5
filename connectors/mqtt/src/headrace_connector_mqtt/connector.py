"""The work: a subscription gives the retained messages first, and its end tells that there are no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from headrace.kits.records.connector import After, Given, RecordsConnector, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of, text_of
from headrace.kits.records.place import Place, tls_context
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import Column, ConfigError, DataType
from headrace.sdk.egress import dial
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from headrace_connector_mqtt import MqttConfig, MqttWriteOptions

WAIT_S = 30
BODY_BYTES = 1024 * 1024
_REFUSED = frozenset({"Bad user name or password", "Not authorized"})


class _Pinned(Client):
    """Dials a judged address; the name stays for TLS."""

    address = ""

    def _create_socket_connection(self) -> Any:
        return dial(self.address, self._port, timeout_s=self._connect_timeout)


class MqttConnector(RecordsConnector[MqttConfig]):
    """One broker; a link for each call, without a session."""

    service = "MQTT"
    kind = "topic"
    key = ("_topic",)
    facts = (Column("_topic", DataType.TEXT, nullable=False), Column("_qos", DataType.INTEGER, nullable=False, bits=64))
    modes = ("append",)
    write_options = MqttWriteOptions
    _client: Any = None
    _answer = ""

    def _link(self) -> Any:
        if self._client is not None:
            return self._client
        config, place = self.config, Place.of(self.config.host, self.config.port)
        client = _Pinned(CallbackAPIVersion.VERSION2, clean_session=True)
        client.address, self._answer = place.address, ""
        if config.user:
            client.username_pw_set(config.user, config.password.reveal() or None)
        if config.tls:
            client.tls_set_context(tls_context(config.authority))
        client.max_inflight_messages_set(100)
        client.on_connect = self._connected
        client.connect(place.name, place.port, keepalive=300)
        self._client = client
        self._until(lambda: bool(self._answer))
        if self._answer in _REFUSED:
            raise self.refused(self._answer)
        if self._answer != "Success":
            raise self.away(self._answer)
        return client

    def _connected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._answer = str(reason)

    def _until(self, done: Callable[[], bool]) -> None:
        """Work the link until something has happened."""
        end = time.monotonic() + WAIT_S
        while not done():
            code = self._client.loop(timeout=0.5)
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS and not done():
                raise self.refused(self._answer) if self._answer in _REFUSED else self.away(code)
            if time.monotonic() > end:
                raise self.away("no answer in time")

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
        client, found, answers = self._link(), list[MQTTMessage](), list[Any]()
        client.on_message = lambda _client, _data, message: found.append(message) if message.retain else None
        client.on_subscribe = lambda _client, _data, _mid, reasons, _properties: answers.append(reasons)
        client.on_unsubscribe = lambda _client, _data, _mid, reasons, _properties: answers.append(reasons)
        try:
            client.subscribe(name, qos=0)
        except ValueError:
            raise ConfigError(f"'{name}' is no topic or filter; correct it", field="stream") from None
        self._until(lambda: bool(answers))
        if any(reason.is_failure for reason in answers[0]):
            raise ConfigError(f"{self.where} does not let this user read '{name}'; grant it", field="stream")
        client.unsubscribe(name)  # answered after all that the subscription had to give
        self._until(lambda: len(answers) > 1)
        for message in found:
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
        client, waiting = self._link(), set[int]()
        client.on_publish = lambda _client, _data, mid, _reason, _properties: waiting.discard(mid)
        made, rejects = bodies(part, BODY_BYTES)
        for index, body in made.items():
            below = text_of(part.records[index], write.options.topic_column) if write.options.topic_column else ""
            if set(below) & {"+", "#", "\0"}:
                rejects.append(
                    part.rejected(index, f"'{below[:50]}' is no part of a topic", write.options.topic_column)
                )
                continue
            topic = f"{write.name}/{below}" if below else write.name
            waiting.add(client.publish(topic, body, qos=1, retain=write.options.retain).mid)
        self._until(lambda: not waiting)
        return Given(0, rejects)

    def hang_up(self) -> None:
        """Say goodbye."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
