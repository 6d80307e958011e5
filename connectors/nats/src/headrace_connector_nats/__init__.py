"""NATS JetStream: messages of streams, in order, published once."""

from typing import Annotated

from headrace.kits.records.declare import LOG, Port, ReadOptions, Server, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """A stream is one of JetStream. A read takes what is there at its beginning and leaves it; `_sequence` is the
cursor of an incremental read. Rows are published with an id, and the server leaves out those it has seen within the
stream's duplicate window (two minutes if nobody has set another). To start flows with messages, use the trigger."""


class NatsConfig(Server, kw_only=True):
    """How to reach the server."""

    port: Port = 4222


class NatsWriteOptions(WriteOptions, kw_only=True):
    """Where to."""

    subject: Annotated[
        str, Field("Subject", "Empty is the stream's own, if it has one without wildcards.", order=1)
    ] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="nats", title="NATS JetStream", category="nosql", summary="Streams of a NATS server", config=NatsConfig,
            factory=lazy("headrace_connector_nats.connector:NatsConnector"), capabilities=LOG, read_options=ReadOptions,
            write_options=NatsWriteOptions, effect_class=EffectClass.IDEMPOTENT, icon="lucide:radio-tower", docs=DOCS,
            proof="real server",
        )
    ]  # fmt: skip
