"""MongoDB: documents of collections, by the driver's asynchronous client in a judged event loop."""

from typing import Annotated

from headrace.kits.records.declare import STORE, Port, ReadOptions, Server, WriteOptions
from headrace.sdk import Capability, ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """Reads documents with the columns that the first ones have; nested values are JSON. Writes are known by `_id`:
a repeated execution changes nothing. An overwrite fills a collection beside the target and renames it. Members of a
replica set that the servers name are reached through the same door."""


class MongodbConfig(Server, kw_only=True):
    """How to reach the database."""

    port: Port = 27017
    database: Annotated[
        str, Field("Database", min_length=1, examples=["shop"], options_from="choices", depends_on=["host", "port"],
                   allow_custom=True, order=6)
    ]  # fmt: skip
    auth_source: Annotated[str, Field("Login database", "Where the user is kept.", advanced=True, order=7)] = "admin"
    replica_set: Annotated[
        str, Field("Replica set", "Its name; empty stays with this server.", advanced=True, order=8)
    ] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="mongodb", title="MongoDB", category="nosql", summary="Collections of a MongoDB database",
            config=MongodbConfig, factory=lazy("headrace_connector_mongodb.connector:MongodbConnector"),
            capabilities=STORE | {Capability.INCREMENTAL, Capability.CHOICES},
            read_options=ReadOptions, write_options=WriteOptions,
            effect_class=EffectClass.IDEMPOTENT, icon="lucide:database", docs=DOCS, proof="wire-compatible",
        )
    ]  # fmt: skip
