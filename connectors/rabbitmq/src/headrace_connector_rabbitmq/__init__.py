"""RabbitMQ: messages of queues, read as they stand and published with confirmation."""

from typing import Annotated, Literal

from headrace.kits.records.declare import MESSAGES, Password, Port, ReadOptions, Server, User, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, Secret, hookimpl, lazy
from msgspec import field

DOCS = """A stream is a queue. A read takes the messages that are there at its beginning: it puts them back at its end,
or acknowledges them once what the step gave is stored, as its options say. To start flows with messages,
use the trigger.

Messages are published to a queue (made durable when it is missing) or an exchange, with confirmation. The broker keeps
no ids: a repeated execution publishes again, with the same `message_id`."""


class RabbitmqConfig(Server, kw_only=True):
    """How to reach the broker."""

    port: Port = 5672
    virtual_host: Annotated[str, Field("Virtual host", order=2)] = "/"
    user: User = "guest"
    password: Password = Secret("guest")
    queues: Annotated[list[str], Field("Queues", "Those that are offered to read; a broker lists none.", order=7)] = (
        field(default_factory=list)
    )


class RabbitmqReadOptions(ReadOptions, kw_only=True):
    """What becomes of the messages."""

    take: Annotated[
        Literal["peek", "consume"],
        Field("Then", "Put them back, or acknowledge them once the rows are stored.", order=3),
    ] = "peek"


class RabbitmqWriteOptions(WriteOptions, kw_only=True):
    """Where to."""

    exchange: Annotated[str, Field("Exchange", "The target is then the routing key; empty is the queue.", order=1)] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="rabbitmq", title="RabbitMQ", category="nosql", summary="Queues of a RabbitMQ broker",
            config=RabbitmqConfig, factory=lazy("headrace_connector_rabbitmq.connector:RabbitmqConnector"),
            capabilities=MESSAGES, read_options=RabbitmqReadOptions, write_options=RabbitmqWriteOptions,
            effect_class=EffectClass.OTHER, icon="lucide:rabbit", docs=DOCS, proof="real server",
        )
    ]  # fmt: skip
