"""Amazon Kinesis: records of data streams."""

from typing import Annotated

from headrace.kits.records.aws_config import AwsConfig
from headrace.kits.records.declare import MESSAGES, NEW_MESSAGE, ReadOptions, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """A stream is one of Kinesis; make it first. A read takes every shard, from its oldest record or from a moment,
up to where it is now. Rows are put as JSON; the service keeps no ids, so a repeated execution puts them again."""


class KinesisConfig(AwsConfig, kw_only=True):
    """How to reach the streams of a region."""


class KinesisReadOptions(ReadOptions, kw_only=True):
    """Where to begin."""

    since: Annotated[
        str, Field("Since", "A moment, e.g. 2026-03-01T10:30:00Z; empty is the oldest record.", max_length=40, order=3)
    ] = ""


class KinesisWriteOptions(WriteOptions, kw_only=True):
    """How rows become records."""

    key_column: Annotated[str, Field("Key column", "Rows of a key stay in one shard.", widget="column", order=1)] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="kinesis", title="Amazon Kinesis", category="nosql", summary="Data streams of Kinesis",
            config=KinesisConfig, factory=lazy("headrace_connector_kinesis.connector:KinesisConnector"),
            capabilities=MESSAGES, triggers=(NEW_MESSAGE,),
            read_options=KinesisReadOptions, write_options=KinesisWriteOptions,
            effect_class=EffectClass.OTHER, icon="lucide:waves", docs=DOCS, proof="emulator",
        )
    ]  # fmt: skip
