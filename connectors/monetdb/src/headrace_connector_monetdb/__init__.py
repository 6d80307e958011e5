"""MonetDB: reads and writes tables of MonetDB."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

DOCS = """Reads and writes tables of MonetDB.

No server of it runs in the tests: what is proven is how statements, types and addresses are made. Install
`headrace-connector-monetdb[driver]` where the workers are."""


class MonetdbConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 50000


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="monetdb",
            title="MonetDB",
            category="database",
            summary="Tables of MonetDB",
            config=MonetdbConfig,
            factory=lazy("headrace_connector_monetdb.connector:MonetdbConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:database",
            docs=DOCS,
            proof="unproven",
        )
    ]
