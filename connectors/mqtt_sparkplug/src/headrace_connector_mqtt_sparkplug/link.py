"""One link to a broker, worked by who waits for something; its messages are taken in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from headrace.kits.records.place import Place, tls_context
from headrace.sdk import ConfigError
from headrace.sdk.egress import dial
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from headrace_connector_mqtt_sparkplug import SparkplugConfig

WAIT_S = 30
REFUSED = frozenset({"Bad user name or password", "Not authorized"})


class HungUp(Exception):
    """The broker has hung up, or does not answer; the text says which."""


class _Pinned(Client):
    address = ""

    def _create_socket_connection(self) -> Any:
        return dial(self.address, self._port, timeout_s=self._connect_timeout)


class Link:
    """Opened at once.

    Args:
        config: Where to.
        will: Topic and payload that the broker sends when this link breaks.
    """

    def __init__(self, config: SparkplugConfig, will: tuple[str, bytes] | None = None) -> None:
        place = Place.of(config.host, config.port)
        self.inbox: deque[tuple[str, bytes]] = deque()
        self._answers: list[Any] = []
        self._said = ""
        self._client = client = _Pinned(CallbackAPIVersion.VERSION2, clean_session=True)
        client.address = place.address
        if config.user:
            client.username_pw_set(config.user, config.password.reveal() or None)
        if config.tls:
            client.tls_set_context(tls_context(config.authority))
        if will:
            client.will_set(*will, qos=1)
        client.on_connect = lambda _client, _data, _flags, reason, _properties: self._heard(str(reason))
        client.on_message = lambda _client, _data, one: self.inbox.append((one.topic, bytes(one.payload)))
        client.on_subscribe = lambda _client, _data, _mid, reasons, _properties: self._answers.append(reasons)
        client.connect(place.name, place.port, keepalive=60)
        self.until(lambda: bool(self._said))
        if self._said != "Success":
            raise HungUp(self._said)

    def _heard(self, said: str) -> None:
        self._said = said

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
            self.work(0.2)
            if time.monotonic() > end:
                raise HungUp("no answer in time")

    def subscribe(self, topic: str) -> None:
        """Returns once the broker has answered, and so has read all that was sent before.

        Raises:
            ConfigError: it does not let this user read it.
        """
        count = len(self._answers)
        try:
            self._client.subscribe(topic, qos=0)
        except ValueError:
            raise ConfigError(f"'{topic}' is no topic; correct the stream", field="stream") from None
        self.until(lambda: len(self._answers) > count)
        if any(reason.is_failure for reason in self._answers[-1]):
            raise ConfigError(f"the broker does not let this user read '{topic}'; grant it", field="stream")

    def publish(self, topic: str, body: bytes) -> None:
        """With QoS 0, as Sparkplug has it."""
        self._client.publish(topic, body, qos=0)

    def close(self) -> None:
        """Say goodbye; the will is not sent."""
        self._client.disconnect()
