"""SingleStore: reads and writes tables of SingleStore."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

DOCS = """Reads and writes tables of SingleStore.

An overwrite drops the table and renames the new one; keys must hold the shard key.

Proven against MariaDB, whose protocol it speaks."""


class SinglestoreConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 3306


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="singlestore",
            title="SingleStore",
            category="database",
            summary="Tables of SingleStore",
            config=SinglestoreConfig,
            factory=lazy("headrace_connector_singlestore.connector:SinglestoreConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.IDEMPOTENT,
            icon="lucide:database",
            docs=DOCS,
            proof="wire-compatible",
        )
    ]
