"""Apache Cassandra and ScyllaDB: tables of a keyspace, over CQL."""

from typing import Annotated

from headrace.kits.records.declare import STORE, Port, ReadOptions, Server, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """Columns are those of the table; a read pages through the ring. Rows are written by their primary key, so a
repeated execution changes nothing; a table that is missing is made with the key columns of an upsert, or with
`headrace_id`. An overwrite truncates the table first. The driver is the extra
`headrace-connector-cassandra[driver]`."""


class CassandraConfig(Server, kw_only=True):
    """How to reach the cluster."""

    port: Port = 9042
    keyspace: Annotated[str, Field("Keyspace", min_length=1, examples=["shop"], order=2)]
    datacenter: Annotated[
        str, Field("Datacenter", "The one that is asked; empty is that of the host.", advanced=True, order=7)
    ] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="cassandra", title="Apache Cassandra", category="nosql", summary="Tables of a Cassandra keyspace",
            config=CassandraConfig, factory=lazy("headrace_connector_cassandra.connector:CassandraConnector"),
            capabilities=STORE, read_options=ReadOptions, write_options=WriteOptions,
            effect_class=EffectClass.IDEMPOTENT, icon="lucide:database", docs=DOCS, proof="unproven",
        )
    ]  # fmt: skip
