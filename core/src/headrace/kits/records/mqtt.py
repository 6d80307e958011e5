"""One link to an MQTT broker, worked by who waits for something; its messages are taken in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import MQTTMessage
from paho.mqtt.enums import MQTTErrorCode

from headrace.kits.records.declare import Server
from headrace.kits.records.place import Place, tls_context
from headrace.sdk.egress_mqtt import REFUSED, EgressMqtt
from headrace.sdk.errors import ConfigError

__all__ = ["REFUSED", "HungUp", "Link", "MQTTMessage"]
WAIT_S = 30


class HungUp(Exception):
    """The broker has hung up, or does not answer; the text says which, or is one of `REFUSED`."""


class Link:
    """Opened at once, without a session.

    Args:
        config: A server with its `port`.
        will: Topic and payload that the broker sends when this link breaks.

    Raises:
        ConfigError: the address may not be reached.
        HungUp: the broker does not take the link.
    """

    def __init__(self, config: Server, will: tuple[str, bytes] | None = None) -> None:
        place = Place.of(config.host, getattr(config, "port"))  # noqa: B009 - each connector declares its own
        self.inbox: deque[tuple[str, bytes]] = deque()
        self._answers: list[Any] = []
        self._sent: set[int] = set()
        self._said = ""
        self._client = client = EgressMqtt(place.address, clean_session=True)
        if config.user:
            client.username_pw_set(config.user, config.password.reveal() or None)
        if config.tls:
            client.tls_set_context(tls_context(config.authority))
        if will:
            client.will_set(*will, qos=1)
        client.max_inflight_messages_set(100)
        client.on_connect = lambda _client, _data, _flags, reason, _properties: self._heard(str(reason))
        client.on_message = lambda _client, _data, message: self.arrived(message)
        client.on_publish = lambda _client, _data, mid, _reason, _properties: self._sent.discard(mid)
        client.on_subscribe = lambda _client, _data, _mid, reasons, _properties: self._answers.append(reasons)
        client.on_unsubscribe = lambda _client, _data, _mid, reasons, _properties: self._answers.append(reasons)
        client.connect(place.name, place.port, keepalive=60 if will else 300)
        self.until(lambda: bool(self._said))
        if self._said != "Success":
            raise HungUp(self._said)

    def _heard(self, said: str) -> None:
        self._said = said

    def arrived(self, message: MQTTMessage) -> None:
        """Takes a message."""
        self.inbox.append((message.topic, bytes(message.payload)))

    def work(self, seconds: float) -> None:
        """Send and receive for a while.

        Raises:
            HungUp: the link has broken.
        """
        code = self._client.loop(timeout=seconds)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise HungUp(self._said if self._said in REFUSED else str(code))

    def until(self, done: Callable[[], bool]) -> None:
        """Work until something has happened.

        Raises:
            HungUp: it does not.
        """
        end = time.monotonic() + WAIT_S
        while not done():
            try:
                self.work(0.2)
            except HungUp:
                if not done():
                    raise
            if time.monotonic() > end:
                raise HungUp("no answer in time")

    def subscribe(self, topic: str) -> None:
        """Returns once the broker has answered, and so has read all that was sent before.

        Raises:
            ConfigError: it is none, or the broker does not let this user read it.
        """
        try:
            self._answered(lambda: self._client.subscribe(topic, qos=0))
        except ValueError:
            raise ConfigError(f"'{topic}' is no topic or filter; correct it", field="stream") from None
        if any(reason.is_failure for reason in self._answers[-1]):
            raise ConfigError(f"the broker does not let this user read '{topic}'; grant it", field="stream")

    def unsubscribe(self, topic: str) -> None:
        """Returns once the broker has answered, which is after all that the subscription had to give."""
        self._answered(lambda: self._client.unsubscribe(topic))

    def _answered(self, ask: Callable[[], Any]) -> None:
        count = len(self._answers)
        ask()
        self.until(lambda: len(self._answers) > count)

    def publish(self, topic: str, body: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Send; with QoS 1 `settle` waits for the acknowledgement."""
        sent = self._client.publish(topic, body, qos=qos, retain=retain)
        if qos:
            self._sent.add(sent.mid)

    def settle(self) -> None:
        """Returns once the broker has acknowledged all that was sent with QoS 1."""
        self.until(lambda: not self._sent)

    def close(self) -> None:
        """Say goodbye; the will is not sent."""
        self._client.disconnect()
