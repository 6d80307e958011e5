"""Messages of a RabbitMQ queue, acknowledged once they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pika
from headrace.sdk import AuthError, ConfigError, Received, SourceContext, SourceTrigger, TransientError
from pika.exceptions import (
    AMQPError,
    ChannelClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from headrace_node_triggers.broker_configs import RabbitmqConfig
from headrace_node_triggers.brokers import Place, event, tls_context


class Rabbitmq(SourceTrigger[RabbitmqConfig]):
    """A message without `message_id` that comes twice counts twice: nothing else names it."""

    def __init__(self, config: RabbitmqConfig, secrets: Any) -> None:
        super().__init__(config, secrets)
        self._connection: Any = None
        self._channel: Any = None
        self._tag = 0

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """The next messages.

        Raises:
            AuthError, ConfigError, TransientError: as the broker answers.
        """
        try:
            if self._connection is None:
                self._open()
            found = []
            for method, properties, body in self._channel.consume(self.config.queue, inactivity_timeout=wait_s):
                if method is None:
                    break
                self._tag = method.delivery_tag
                facts = {"queue": self.config.queue, "exchange": method.exchange, "routing_key": method.routing_key}
                found.append(event(properties.message_id or uuid4().hex, body, facts))
                if len(found) == self.config.batch or not self._channel.get_waiting_message_count():
                    break
        except (ProbableAuthenticationError, ProbableAccessDeniedError):
            raise AuthError("RabbitMQ refused user name, password or virtual host; enter them again") from None
        except ChannelClosedByBroker as error:
            raise ConfigError(f"RabbitMQ refuses the queue '{self.config.queue}': {error.reply_text}") from None
        except (AMQPError, OSError) as error:
            raise TransientError("RabbitMQ does not answer; it is tried again", detail=repr(error)) from None
        return Received(events=found, cursor=dict(cursor), more=True)

    def _open(self) -> None:
        place = Place.of(self.config, 5671 if self.config.tls else 5672)
        user, password = self.secrets.username.reveal(), self.secrets.password.reveal()
        self._connection = pika.BlockingConnection(pika.ConnectionParameters(
            host=place.address, port=place.port, virtual_host=self.config.virtual_host,
            credentials=pika.PlainCredentials(user or "guest", password or "guest"), heartbeat=600,
            blocked_connection_timeout=30, socket_timeout=10,
            ssl_options=pika.SSLOptions(tls_context(), place.name) if self.config.tls else None,
        ))  # fmt: skip
        self._channel = self._connection.channel()
        self._channel.basic_qos(prefetch_count=self.config.batch)

    def accepted(self, received: Received) -> None:
        """Acknowledge all up to the last."""
        if received.events and self._channel is not None:
            self._channel.basic_ack(self._tag, multiple=True)

    def close(self) -> None:
        """Hang up; what is not acknowledged comes again."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and connection.is_open:
            connection.close()
