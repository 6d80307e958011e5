"""Google Pub/Sub: messages of subscriptions, acknowledged once they are stored, and rows to topics."""

from typing import Annotated, Literal

from headrace.kits.records.declare import MESSAGES, NEW_MESSAGE, ReadOptions, WriteOptions
from headrace.sdk import Config, ConnectorManifest, EffectClass, Field, Secret, hookimpl, lazy
from msgspec import field

DOCS = """A subscription is read, a topic is written. A read takes messages until none come for a while: it gives them
back at its end, or acknowledges them once what the step gave is stored, as its options say; until then nobody else gets
them, however long the read takes. A topic that is missing is made.

The service leaves out no repeats: each message has an id of its row as the attribute `headrace_id`, by which
subscribers can."""


class PubsubConfig(Config, kw_only=True):
    """Which project, and as which service account."""

    project: Annotated[str, Field("Project", pattern=r"^[a-z][a-z0-9:.\-]{4,100}$", examples=["shop-prod"], order=0)]
    private_key: Annotated[
        Secret, Field("Service account", "The JSON key of a service account; empty for an emulator.", order=1)
    ] = Secret("")
    quiet_s: Annotated[
        float, Field("Quiet for (s)", "A read ends when nothing came for so long.", ge=0.05, le=600, order=2)
    ] = 3.0
    endpoint: Annotated[
        str, Field("Endpoint", "Of a region or an emulator; empty is the public one.", advanced=True, order=3)
    ] = ""


class PubsubReadOptions(ReadOptions, kw_only=True):
    """What becomes of the messages."""

    take: Annotated[
        Literal["peek", "consume"],
        Field("Then", "Give them back, or acknowledge them once the rows are stored.", order=3),
    ] = "peek"
    max_messages: Annotated[int, Field("Messages", "At most.", ge=1, le=10_000_000, order=4)] = 100_000
    hidden_s: Annotated[
        int, Field("Hidden for (s)", "Others do not get what is being read; it is renewed.", ge=10, le=600,
                   advanced=True, order=5)
    ] = 300  # fmt: skip


class PubsubWriteOptions(WriteOptions, kw_only=True):
    """How rows become messages."""

    ordering_column: Annotated[
        str, Field("Ordering column", "Messages of one value keep their order.", widget="column", order=1)
    ] = ""
    attribute_columns: Annotated[
        list[str],
        Field("Attribute columns", "Sent beside the message too, for the filters of subscriptions.", widget="columns",
              order=2),
    ] = field(default_factory=list)  # fmt: skip


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="pubsub", title="Google Pub/Sub", category="nosql", summary="Subscriptions and topics of Google Pub/Sub",
            config=PubsubConfig, factory=lazy("headrace_connector_pubsub.connector:PubsubConnector"),
            capabilities=MESSAGES, triggers=(NEW_MESSAGE,),
            read_options=PubsubReadOptions, write_options=PubsubWriteOptions,
            effect_class=EffectClass.OTHER, icon="lucide:messages-square", docs=DOCS, proof="emulator",
        )
    ]  # fmt: skip
