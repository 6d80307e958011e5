"""IBM Db2: reads and writes tables of IBM Db2."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

DOCS = """Reads and writes tables of IBM Db2.

The driver takes 135 MB.

No server of it runs in the tests: what is proven is how statements, types and addresses are made. Install
`headrace-connector-db2[driver]` where the workers are."""


class Db2Config(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 50000


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="db2",
            title="IBM Db2",
            category="database",
            summary="Tables of IBM Db2",
            config=Db2Config,
            factory=lazy("headrace_connector_db2.connector:Db2Connector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:database",
            docs=DOCS,
            proof="unproven",
        )
    ]
