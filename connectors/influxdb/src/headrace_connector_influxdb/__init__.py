"""InfluxDB: points of measurements, by InfluxQL and the line protocol."""

from typing import Annotated

from headrace.kits.records.declare import LOG, Port, ReadOptions, Server, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """A stream is a measurement. Points have `time`, tags (texts) and fields; `time` is the cursor of an incremental
read. Points are written by time and tags: a repeated execution changes nothing when the rows have a time; rows without
one get moments made of the execution. A database of version 2 or 3 is reached through its InfluxQL mapping, with a
token."""


class InfluxdbConfig(Server, kw_only=True):
    """How to reach the database."""

    port: Port = 8086
    database: Annotated[str, Field("Database or bucket", min_length=1, examples=["plant"], order=2)]
    uses_token: Annotated[bool, Field("Password is a token", "Of version 2 or 3.", advanced=True, order=7)] = False


class InfluxdbWriteOptions(WriteOptions, kw_only=True):
    """How columns become points."""

    tags: Annotated[list[str], Field("Tags", "Columns that tell series apart.", widget="columns", order=1)] = []
    time: Annotated[
        str, Field("Time column", "Of moments; without it every row gets its own.", widget="column", order=2)
    ] = "time"


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="influxdb", title="InfluxDB", category="nosql", summary="Measurements of an InfluxDB database",
            config=InfluxdbConfig, factory=lazy("headrace_connector_influxdb.connector:InfluxdbConnector"),
            capabilities=LOG, read_options=ReadOptions, write_options=InfluxdbWriteOptions,
            effect_class=EffectClass.IDEMPOTENT, icon="lucide:waves", docs=DOCS, proof="real server",
        )
    ]  # fmt: skip
