"""Sparkplug B over MQTT: metrics of edge nodes and their devices, commands to them, and an edge node of one's own."""

from typing import Annotated, Literal

from headrace.kits.records.declare import MESSAGES, NEW_MESSAGE, Port, ReadOptions, Server, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy
from msgspec import field

DOCS = """A stream is a node (`plant/oven`), one of its devices (`plant/oven/door`) or a filter (`plant/+`). A read asks
the listed nodes for their births, so that it begins with every metric as it is now, and then takes what comes until
nothing has come for a while. A gap in the sequence asks for a birth again; what only has an alias waits for it.

Rows are written as a node of one's own, alive while the step runs, with a metric a column; or as commands to a node or
device, with the columns `metric` and `number` or `text`. Sparkplug sends data without acknowledgement (QoS 0)."""


class SparkplugConfig(Server, kw_only=True):
    """How to reach the broker, and which nodes are asked."""

    port: Port = 1883
    nodes: Annotated[
        list[str], Field("Nodes", "`group/node`; they are offered to read, and asked for their births.", order=7)
    ] = field(default_factory=list)
    quiet_s: Annotated[
        float, Field("Quiet for (s)", "A read ends when nothing came for so long.", ge=0.05, le=3_600, order=8)
    ] = 5.0


class SparkplugReadOptions(ReadOptions, kw_only=True):
    """How long is listened."""

    rebirth: Annotated[bool, Field("Ask for births", "At the beginning, of the listed nodes.", order=3)] = True
    listen_s: Annotated[int, Field("Listen (s)", "At most.", ge=1, le=86_400, order=4)] = 60
    max_messages: Annotated[int, Field("Messages", "At most.", ge=1, le=10_000_000, order=5)] = 100_000


class SparkplugWriteOptions(WriteOptions, kw_only=True):
    """What the rows are."""

    role: Annotated[
        Literal["edge", "command"], Field("As", "A node of one's own, or commands to another's.", order=1)
    ] = "edge"
    time_column: Annotated[
        str, Field("Time column", "The moment of a row's metrics; empty is now.", widget="column", order=2)
    ] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="mqtt_sparkplug", title="MQTT Sparkplug B", category="nosql",
            summary="Metrics of Sparkplug B nodes and devices", config=SparkplugConfig,
            factory=lazy("headrace_connector_mqtt_sparkplug.connector:SparkplugConnector"),
            capabilities=MESSAGES, triggers=(NEW_MESSAGE,),
            read_options=SparkplugReadOptions, write_options=SparkplugWriteOptions, effect_class=EffectClass.OTHER,
            icon="lucide:sparkles", docs=DOCS, proof="real server",
        )
    ]  # fmt: skip
