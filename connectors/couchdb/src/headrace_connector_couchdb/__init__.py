"""Apache CouchDB: documents of databases, and the trigger on their changes."""

from typing import Annotated, Literal

from headrace.kits.records.declare import DOCUMENTS, MergeOptions, Port, ReadOptions, Server
from headrace.sdk import ConnectorManifest, EffectClass, Field, TriggerConfig, TriggerType, hookimpl, lazy

DOCS = """A stream is a database; nested values are JSON. Documents are known by `_id`: a repeated execution changes
nothing. A document that somebody else has changed is not overwritten: its row is rejected. A row with `_rev` is written
only over this revision. The cursor of an incremental read is a field with an index."""

CHANGES = """Rows tell what became of documents, each with its last state: a document that is changed several times
between two looks comes once. Nothing is lost while the flow stands still, as the database remembers every document."""


class CouchdbConfig(Server, kw_only=True):
    """How to reach the server."""

    port: Port = 5984


class ChangesConfig(TriggerConfig, kw_only=True):
    """Which changes start the flow."""

    connection: Annotated[
        str, Field("Connection", "The server.", widget="connection", connection_type="couchdb", order=0)
    ]
    database: Annotated[str, Field("Database", min_length=1, order=1)]
    first: Annotated[
        Literal["new", "all"], Field("At first", "Begin with what comes from now on, or with all there is.", order=2)
    ] = "new"
    every_seconds: Annotated[float, Field("Every", "Between two looks.", ge=1, le=86_400, unit="s", order=4)] = 5
    batch_changes: Annotated[
        int, Field("Changes at once", "No more changes in one execution.", ge=1, le=10_000, order=3)
    ] = 1_000


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="couchdb", title="Apache CouchDB", category="nosql", summary="Databases of a CouchDB server",
            config=CouchdbConfig, factory=lazy("headrace_connector_couchdb.connector:CouchdbConnector"),
            capabilities=DOCUMENTS, read_options=ReadOptions, write_options=MergeOptions,
            effect_class=EffectClass.IDEMPOTENT, icon="lucide:sofa", docs=DOCS, proof="emulator",
        )
    ]  # fmt: skip


@hookimpl
def headrace_triggers() -> list[TriggerType]:
    """Offer the trigger on changes."""
    return [
        TriggerType(
            id="changes", title="Changed documents (CouchDB)", mode="source", config=ChangesConfig, icon="lucide:sofa",
            factory=lazy("headrace_connector_couchdb.changes:Changes"), tags=("cdc", "watch"),
            summary="Starts with documents that are written or deleted.", docs=CHANGES,
        )
    ]  # fmt: skip
