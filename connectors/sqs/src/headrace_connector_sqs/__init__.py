"""Amazon SQS: messages of queues."""

from typing import Annotated, Literal

from headrace.kits.records.aws_config import AwsConfig
from headrace.kits.records.declare import MESSAGES, NEW_MESSAGE, ReadOptions, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """A stream is a queue. A read takes messages until none come: it gives them back at its end, or deletes
them once what the step gave is stored, as its options say. A queue that is missing is made. Messages of a FIFO queue
(`....fifo`) carry ids: the service leaves out repeats within five minutes; other queues take a repeated execution
again."""


class SqsConfig(AwsConfig, kw_only=True):
    """How to reach the queues of a region."""


class SqsReadOptions(ReadOptions, kw_only=True):
    """What becomes of the messages."""

    take: Annotated[
        Literal["peek", "consume"], Field("Then", "Give them back, or delete them once the rows are stored.", order=3)
    ] = "peek"
    wait_s: Annotated[
        int, Field("Wait for more (s)", "The queue counts as empty when none came for so long.", ge=0, le=20, order=4)
    ] = 1
    hidden_s: Annotated[
        int, Field("Hidden for (s)", "Others do not see what is being read.", ge=30, le=43_200, advanced=True, order=5)
    ] = 900


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="sqs", title="Amazon SQS", category="nosql", summary="Queues of SQS", config=SqsConfig,
            factory=lazy("headrace_connector_sqs.connector:SqsConnector"),
            capabilities=MESSAGES, triggers=(NEW_MESSAGE,),
            read_options=SqsReadOptions, write_options=WriteOptions, effect_class=EffectClass.OTHER,
            icon="lucide:inbox", docs=DOCS, proof="emulator",
        )
    ]  # fmt: skip
