"""Apache Pulsar: messages of topics, read as they stand or by a subscription, and rows sent once."""

from typing import Annotated

from headrace.kits.records.declare import MESSAGES, NEW_MESSAGE, PlainServer, Port, ReadOptions, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, Secret, hookimpl, lazy
from msgspec import field

DOCS = """A stream is a topic (`persistent://public/default/orders`, or short `orders`). A read takes what is there and
leaves it; with a subscription it takes what that has not acknowledged, and acknowledges it once what the step gave is
stored. Messages are sent with a producer's name and a sequence: where the broker's deduplication is on, a repeated
execution sends nothing again. The driver is an extra: `headrace-connector-pulsar[driver]`."""


class PulsarConfig(PlainServer, kw_only=True):
    """How to reach the cluster."""

    port: Port = 6650
    token: Annotated[Secret, Field("Token", "Empty if the cluster asks for none.", order=2)] = Secret("")
    tls: Annotated[bool, Field("TLS", "Encrypt, and check the server's certificate.", order=3)] = False
    authority_path: Annotated[
        str, Field("Certificate authority", "Path of a PEM file; empty trusts those of the system.", advanced=True,
                   order=4)
    ] = ""  # fmt: skip
    quiet_s: Annotated[
        float, Field("Quiet for (s)", "A read of a subscription ends when nothing came for so long.", ge=0.05, le=600,
                     order=5)
    ] = 3.0  # fmt: skip
    topics: Annotated[list[str], Field("Topics", "Those that are offered to read.", order=6)] = field(
        default_factory=list
    )


class PulsarReadOptions(ReadOptions, kw_only=True):
    """Which messages."""

    subscription: Annotated[
        str, Field("Subscription", "Its messages are acknowledged; empty reads the topic and leaves it.", order=3)
    ] = ""
    max_messages: Annotated[int, Field("Messages", "At most.", ge=1, le=10_000_000, order=4)] = 1_000_000


class PulsarWriteOptions(WriteOptions, kw_only=True):
    """How rows become messages."""

    key_column: Annotated[
        str, Field("Key column", "Messages of one value go to one partition.", widget="column", order=1)
    ] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="pulsar", title="Apache Pulsar", category="nosql", summary="Topics of Apache Pulsar",
            config=PulsarConfig, factory=lazy("headrace_connector_pulsar.connector:PulsarConnector"),
            capabilities=MESSAGES, triggers=(NEW_MESSAGE,),
            read_options=PulsarReadOptions, write_options=PulsarWriteOptions,
            effect_class=EffectClass.OTHER, icon="lucide:orbit", docs=DOCS, proof="wire-compatible",
        )
    ]  # fmt: skip
