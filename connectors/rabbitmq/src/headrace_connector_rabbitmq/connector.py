"""The work: messages are fetched one by one and stay unacknowledged until the read says what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pika
from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of
from headrace.kits.records.place import Place, tls_context
from headrace.kits.records.spool import Part, Spool
from headrace.kits.records.taking import MessagesConnector
from headrace.sdk import AuthError, Column, ConfigError, DataType, HeadraceError
from pika.exceptions import (
    AMQPError,
    ChannelClosedByBroker,
    NackError,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    UnroutableError,
)

from headrace_connector_rabbitmq import RabbitmqConfig, RabbitmqReadOptions, RabbitmqWriteOptions

BODY_BYTES = 128 * 1024 * 1024


class RabbitmqConnector(MessagesConnector[RabbitmqConfig]):
    """One virtual host."""

    service = "RabbitMQ"
    kind = "queue"
    facts = (
        Column("_id", DataType.TEXT), Column("_exchange", DataType.TEXT), Column("_routing_key", DataType.TEXT),
        Column("_at", DataType.TIMESTAMP, zone="UTC"), Column("_redelivered", DataType.BOOLEAN),
    )  # fmt: skip
    modes = ("append",)
    read_options = RabbitmqReadOptions
    write_options = RabbitmqWriteOptions
    _connection: Any = None
    _reading: Any = None
    _tag = 0

    def _link(self) -> Any:
        if self._connection is None or self._connection.is_closed:
            config, place = self.config, Place.of(self.config.host, self.config.port)
            self._connection = pika.BlockingConnection(pika.ConnectionParameters(
                host=place.address, port=place.port, virtual_host=config.virtual_host,
                credentials=pika.PlainCredentials(config.user, config.password.reveal()), heartbeat=600,
                blocked_connection_timeout=30, socket_timeout=10, connection_attempts=1,
                ssl_options=pika.SSLOptions(tls_context(config.authority), place.name) if config.tls else None,
            ))  # fmt: skip
        return self._connection

    def ping(self) -> None:
        """A link of its own, closed again: an old one may be dead without knowing."""
        self.hang_up()
        self._link().channel().close()
        self.hang_up()

    def names(self) -> Iterable[str]:
        """As the connection says, once the broker answers."""
        self.ping()
        return self.config.queues

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """The messages that are there now."""
        channel = self._link().channel()
        self._reading, self._tag = channel, 0
        for _ in range(channel.queue_declare(name, passive=True).method.message_count):
            method, properties, body = channel.basic_get(name)
            if method is None:  # somebody else has taken them
                break
            self._tag = method.delivery_tag
            yield {**fields_of(body), **_facts(method, properties)}

    def released(self) -> None:
        """What is not acknowledged goes back to its place."""
        self.hang_up()

    def handed(self, name: str, options: Any) -> None:
        """Acknowledge what was handed on, if it is to be consumed."""
        if options.take == "consume" and self._reading is not None and self._tag:
            self._reading.basic_ack(self._tag, multiple=True)
            self._tag = 0

    def begin(self, write: Write, spool: Spool) -> None:
        """A queue that is missing is made."""
        self.hang_up()
        channel = self._link().channel()
        channel.confirm_delivery()
        self._reading = channel
        if not write.options.exchange:
            try:
                self._link().channel().queue_declare(write.name, passive=True)
            except ChannelClosedByBroker as error:
                if error.reply_code != 404:
                    raise
                channel.queue_declare(write.name, durable=True)

    def give(self, write: Write, part: Part) -> Given:
        """Publish, each message with confirmation."""
        made, rejects = bodies(part, BODY_BYTES)
        for index, body in made.items():
            about = pika.BasicProperties(message_id=part.ids[index], content_type="application/json", delivery_mode=2,
                                         app_id="headrace")  # fmt: skip
            self._reading.basic_publish(write.options.exchange, write.name, body, about, mandatory=True)
        return Given(0, rejects)

    def end(self, write: Write, spool: Spool) -> None:
        """Close the link."""
        self.hang_up()

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the broker's answer."""
        if isinstance(error, ProbableAuthenticationError):
            return self.refused(error)
        if isinstance(error, ProbableAccessDeniedError):
            said = f"{self.where} does not open the virtual host '{self.config.virtual_host}' to this user"
            return AuthError(f"{said}; correct it, or grant the right", detail=repr(error), field="virtual_host")
        if isinstance(error, UnroutableError | NackError):
            return ConfigError(f"no queue of {self.where} takes messages with this exchange and routing key; bind one",
                               detail=repr(error), field="stream")  # fmt: skip
        if isinstance(error, ChannelClosedByBroker):
            return ConfigError(f"{self.where} refuses: {error.reply_text[:200]}; correct the step", detail=repr(error),
                               field="stream")  # fmt: skip
        return self.away(error) if isinstance(error, AMQPError) else None

    def hang_up(self) -> None:
        """Close the link; what is not acknowledged goes back."""
        connection, self._connection, self._reading = self._connection, None, None
        if connection is not None and connection.is_open:
            connection.close()


def _facts(method: Any, properties: Any) -> dict[str, Any]:
    at = datetime.fromtimestamp(properties.timestamp, UTC) if properties.timestamp else None
    return {"_id": properties.message_id, "_exchange": method.exchange, "_routing_key": method.routing_key, "_at": at,
            "_redelivered": method.redelivered}  # fmt: skip
