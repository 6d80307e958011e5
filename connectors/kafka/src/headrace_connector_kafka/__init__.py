"""Apache Kafka: records of topics, in a judged event loop, so that every broker of the cluster passes the door."""

from typing import Annotated, Literal

from headrace.kits.records.declare import MESSAGES, NEW_MESSAGE, Port, ReadOptions, Server, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """A stream is a topic. A read takes every partition up to its end at the beginning. With a group it goes on
where the group stopped, and commits its place once what the step gave is stored. Rows are written as JSON with
acknowledgement of all replicas, each once while the producer lives; a repeated execution writes them again."""


class KafkaConfig(Server, kw_only=True):
    """How to reach the cluster, by one of its brokers."""

    port: Port = 9092
    sasl: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        Field("Sign in by", "If there is a user.", advanced=True, order=7),
    ] = "PLAIN"


class KafkaReadOptions(ReadOptions, kw_only=True):
    """Where to begin."""

    group: Annotated[
        str, Field("Consumer group", "Goes on where it stopped; empty reads all there is.", max_length=200, order=3)
    ] = ""


class KafkaWriteOptions(WriteOptions, kw_only=True):
    """How rows become records."""

    key_column: Annotated[
        str, Field("Key column", "Rows of a key stay in one partition.", widget="column", order=1)
    ] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="kafka", title="Apache Kafka", category="nosql", summary="Topics of a Kafka cluster", config=KafkaConfig,
            factory=lazy("headrace_connector_kafka.connector:KafkaConnector"),
            capabilities=MESSAGES, triggers=(NEW_MESSAGE,),
            read_options=KafkaReadOptions, write_options=KafkaWriteOptions, effect_class=EffectClass.OTHER,
            icon="lucide:rows-3", docs=DOCS, proof="emulator",
        )
    ]  # fmt: skip
