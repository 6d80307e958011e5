"""Amazon SNS: rows and messages to the subscribers of topics."""

from typing import Annotated

from headrace.kits.records.aws_config import AwsConfig
from headrace.kits.records.declare import WriteOptions
from headrace.sdk import (
    Action,
    Capability,
    Config,
    ConnectorManifest,
    Effect,
    EffectClass,
    Field,
    hookimpl,
    lazy,
)
from msgspec import Struct, field

DOCS = """A stream is a topic. A topic keeps nothing: it is written, and its subscribers get each row as a message. A
topic that is missing is made. Messages of a FIFO topic (`....fifo`) carry ids: the service leaves out repeats within
five minutes; other topics send a repeated execution again."""


class SnsConfig(AwsConfig, kw_only=True):
    """How to reach the topics of a region."""


class SnsWriteOptions(WriteOptions, kw_only=True):
    """How rows become messages."""

    attribute_columns: Annotated[
        list[str],
        Field("Attribute columns", "Sent beside the message too, for the filters of subscribers.", widget="columns",
              order=1),
    ] = field(default_factory=list)  # fmt: skip


class PublishInput(Config, kw_only=True):
    """A message."""

    topic: Annotated[str, Field("Topic", "Its name, or its ARN.", examples=["orders"], min_length=1, order=0)]
    message: Annotated[str, Field("Message", widget="textarea", min_length=1, order=1)]
    subject: Annotated[str, Field("Subject", "Of e-mails that subscribers get.", max_length=100, order=2)] = ""
    attributes: Annotated[
        dict[str, str], Field("Attributes", "For the filters of subscribers.", widget="key-value", order=3)
    ] = field(default_factory=dict)
    group: Annotated[
        str, Field("Group", "Messages of a FIFO topic keep their order within it.", max_length=128, advanced=True,
                   order=4)
    ] = "headrace"  # fmt: skip


class PublishOutput(Struct):
    """The message as the service took it."""

    message_id: str


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    publish = Action(
        id="publish", title="Publish a message", input=PublishInput, output=PublishOutput, effect=Effect.CREATE
    )
    return [
        ConnectorManifest(
            id="sns", title="Amazon SNS", category="nosql", summary="Messages to the subscribers of SNS topics",
            config=SnsConfig, factory=lazy("headrace_connector_sns.connector:SnsConnector"), actions=(publish,),
            capabilities=frozenset({Capability.WRITE}), write_options=SnsWriteOptions, effect_class=EffectClass.OTHER,
            icon="lucide:megaphone", docs=DOCS, proof="emulator",
        )
    ]  # fmt: skip
