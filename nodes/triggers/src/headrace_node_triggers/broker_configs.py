"""Configs of the message triggers: where the broker is, what is taken from it."""

from __future__ import annotations

from typing import Annotated, Literal

from headrace.sdk import Config, Field, Secret, TriggerConfig


class BrokerConfig(TriggerConfig, kw_only=True):
    """Where the broker is."""

    host: Annotated[str, Field("Host", "Name or address of the server.", min_length=1, order=0)]
    port: Annotated[int, Field("Port", "0 takes the usual one.", ge=0, le=65_535, order=1)] = 0
    tls: Annotated[bool, Field("TLS", "Encrypt, and check the server's certificate.", order=2)] = False
    batch: Annotated[
        int, Field("Messages at once", "Taken from the broker in one go; each starts one execution.", ge=1, le=500,
                   advanced=True, order=30)
    ] = 50  # fmt: skip


class BrokerSecrets(Config, kw_only=True):
    """How we sign in."""

    username: Annotated[Secret, Field("User name", "Empty: none.")] = Secret("")
    password: Annotated[Secret, Field("Password", "Empty: none.")] = Secret("")


class RedisStreamConfig(BrokerConfig, kw_only=True):
    """Which stream."""

    stream: Annotated[str, Field("Stream", "Key of the stream.", min_length=1, order=3)]
    database: Annotated[int, Field("Database", "Number of the database.", ge=0, advanced=True, order=4)] = 0
    first: Annotated[
        Literal["new", "all"], Field("At first", "Begin with what comes from now on, or with all there is.", order=5)
    ] = "new"


class RabbitmqConfig(BrokerConfig, kw_only=True):
    """Which queue."""

    queue: Annotated[str, Field("Queue", "It must exist.", min_length=1, order=3)]
    virtual_host: Annotated[str, Field("Virtual host", "Usually /.", advanced=True, order=4)] = "/"


class MqttConfig(BrokerConfig, kw_only=True):
    """Which topics."""

    topic: Annotated[str, Field("Topic", "A filter; + and # stand for levels.", min_length=1, order=3)]


class NatsConfig(BrokerConfig, kw_only=True):
    """Which subject."""

    subject: Annotated[str, Field("Subject", "A filter; * and > stand for tokens.", min_length=1, order=3)]
    stream: Annotated[str, Field("Stream", "Of JetStream; it must exist.", min_length=1, order=4)]
