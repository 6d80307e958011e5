"""Messages of MQTT topics with QoS 1 and a session that outlives the connection."""

from __future__ import annotations

import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import uuid4

from headrace.sdk import AuthError, Event, Received, SourceContext, SourceTrigger, TransientError
from headrace.sdk.egress_mqtt import REFUSED, EgressMqtt
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode

from headrace_node_triggers.broker_configs import MqttConfig
from headrace_node_triggers.brokers import Place, event, tls_context


class Mqtt(SourceTrigger[MqttConfig]):
    """The broker keeps what comes while nobody listens.

    Nothing names a message, but one that the broker repeats has its packet's number again: the cursor has those that
    were stored last, so that one that was stored and not acknowledged starts nothing twice.
    """

    def __init__(self, config: MqttConfig, secrets: Any) -> None:
        super().__init__(config, secrets)
        self._client: EgressMqtt | None = None
        self._waiting: list[MQTTMessage] = []
        self._given: list[MQTTMessage] = []
        self._refused = ""

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """The next messages.

        Raises:
            AuthError, TransientError: as the broker answers.
        """
        client = self._client or self._open(ctx.trigger_id)
        end = time.monotonic() + wait_s
        while not self._waiting and time.monotonic() < end:
            code = client.loop(timeout=max(0.01, min(0.5, end - time.monotonic())))
            if self._refused:
                raise AuthError("the MQTT broker refused user name or password; enter them again", detail=self._refused)
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise TransientError("the MQTT broker hung up; it is tried again", detail=str(code))
        came, self._waiting = self._waiting[: self.config.batch], self._waiting[self.config.batch :]
        known = set(cursor.get("last", ()))
        repeated = [message for message in came if message.dup and _mark(message) in known]
        for message in repeated:
            client.ack(message.mid, message.qos)
        self._given = [message for message in came if message not in repeated]
        if not self._given:
            return Received(events=[], cursor=dict(cursor), more=True)
        last = [_mark(message) for message in came if message.qos]
        return Received(events=[self._event(one) for one in self._given], cursor={"last": last}, more=True)

    def _open(self, trigger_id: str) -> EgressMqtt:
        place = Place.of(self.config, 8883 if self.config.tls else 1883)
        client = EgressMqtt(place.address, client_id=f"headrace-{trigger_id}", clean_session=False, manual_ack=True)
        if self.secrets.username.reveal():
            client.username_pw_set(self.secrets.username.reveal(), self.secrets.password.reveal() or None)
        if self.config.tls:
            client.tls_set_context(tls_context())
        client.on_connect, client.on_message = self._connected, self._arrived
        try:
            client.connect(place.name, place.port, keepalive=300)
        except OSError as error:
            raise TransientError("the MQTT broker does not answer; it is tried again", detail=repr(error)) from None
        self._client = client
        return client

    def _connected(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refused = str(reason) if str(reason) in REFUSED else ""
            return
        client.subscribe(self.config.topic, qos=1)

    def _arrived(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._waiting.append(message)

    @staticmethod
    def _event(message: MQTTMessage) -> Event:
        return event(uuid4().hex, bytes(message.payload), {"topic": message.topic, "qos": message.qos})

    def accepted(self, received: Received) -> None:
        """Acknowledge."""
        for message in self._given:
            if self._client is not None and message.qos:
                self._client.ack(message.mid, message.qos)
        self._given = []

    def close(self) -> None:
        """Hang up; the session stays with the broker."""
        client, self._client = self._client, None
        self._waiting, self._given, self._refused = [], [], ""
        if client is not None:
            client.disconnect()


def _mark(message: MQTTMessage) -> str:
    """Number and content: numbers are used again."""
    return f"{message.mid}:{sha256(message.topic.encode() + bytes(message.payload)).hexdigest()[:16]}"
