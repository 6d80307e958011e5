"""MQTT: the retained messages of topics, and rows published to topics."""

from typing import Annotated

from headrace.kits.records.declare import READ_WRITE, Port, ReadOptions, Server, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy
from msgspec import field

DOCS = """A stream is a topic, or a filter such as `plant/+/temperature`. A broker keeps one message of a topic, the
retained one: these are what a read gives. To start flows with every message, use the trigger.

Rows are published with acknowledgement (QoS 1). With a topic column each row goes below the target, to the topic of
that name. A repeated execution publishes again; retained messages are then the same ones."""


class MqttConfig(Server, kw_only=True):
    """How to reach the broker."""

    port: Port = 1883
    topics: Annotated[list[str], Field("Topics", "Filters that are offered to read; a broker lists none.", order=7)] = (
        field(default_factory=list)
    )


class MqttWriteOptions(WriteOptions, kw_only=True):
    """How rows become messages."""

    retain: Annotated[bool, Field("Retain", "The broker keeps the last one of each topic.", order=1)] = False
    topic_column: Annotated[
        str, Field("Topic column", "Its value is the last part of a row's topic.", widget="column", order=2)
    ] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="mqtt", title="MQTT", category="nosql", summary="Topics of an MQTT broker", config=MqttConfig,
            factory=lazy("headrace_connector_mqtt.connector:MqttConnector"), capabilities=READ_WRITE,
            read_options=ReadOptions, write_options=MqttWriteOptions, effect_class=EffectClass.OTHER,
            icon="lucide:radio-tower", docs=DOCS, proof="real server",
        )
    ]  # fmt: skip
