"""Neo4j: nodes by their label, and relationships by their type, over Bolt."""

from typing import Annotated

from headrace.kits.records.declare import DOCUMENTS, MergeOptions, Port, ReadOptions, Server
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """A stream is a label: its nodes are rows. `[TYPE]` is the relationships of a type, which are only read. Nodes
are merged by their key columns, or by a property `_headrace` that a repeated execution gives again: twice is once. Give
key columns an index. The driver is the extra `headrace-connector-neo4j[driver]`."""


class Neo4jConfig(Server, kw_only=True):
    """How to reach the database."""

    port: Port = 7687
    database: Annotated[str, Field("Database", "Empty is the user's own.", examples=["neo4j"], order=2)] = ""
    cluster: Annotated[
        bool, Field("Cluster", "Ask the server for the members of its cluster, and reach them too.", advanced=True,
                    order=7)
    ] = False  # fmt: skip


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="neo4j", title="Neo4j", category="nosql", summary="Nodes and relationships of a Neo4j database",
            config=Neo4jConfig, factory=lazy("headrace_connector_neo4j.connector:Neo4jConnector"),
            capabilities=DOCUMENTS, read_options=ReadOptions, write_options=MergeOptions,
            effect_class=EffectClass.IDEMPOTENT, icon="lucide:waypoints", docs=DOCS, proof="wire-compatible",
        )
    ]  # fmt: skip
