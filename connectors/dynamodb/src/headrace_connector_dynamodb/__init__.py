"""Amazon DynamoDB: items of tables."""

from headrace.kits.records.aws_config import AwsConfig
from headrace.kits.records.declare import STORE, ReadOptions, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl, lazy

DOCS = """Reads items by scanning a table; nested values are JSON, numbers are exact. A table is made when it is missing
(on demand, with the key columns or `_id`). Items are put by their key, so a repeated execution changes nothing. An
overwrite removes items that it has not written."""


class DynamodbConfig(AwsConfig, kw_only=True):
    """How to reach the tables of a region."""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="dynamodb", title="Amazon DynamoDB", category="nosql", summary="Tables of DynamoDB",
            config=DynamodbConfig, factory=lazy("headrace_connector_dynamodb.connector:DynamodbConnector"),
            capabilities=STORE, read_options=ReadOptions, write_options=WriteOptions,
            effect_class=EffectClass.IDEMPOTENT, icon="lucide:table-2", docs=DOCS, proof="emulator",
        )
    ]  # fmt: skip
