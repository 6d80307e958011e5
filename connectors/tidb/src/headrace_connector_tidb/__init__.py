"""TiDB: reads and writes tables of TiDB."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

DOCS = """Reads and writes tables of TiDB.

An overwrite is swapped by one RENAME TABLE.

Proven against MariaDB, whose protocol it speaks."""


class TidbConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 4000


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="tidb",
            title="TiDB",
            category="database",
            summary="Tables of TiDB",
            config=TidbConfig,
            factory=lazy("headrace_connector_tidb.connector:TidbConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.IDEMPOTENT,
            icon="lucide:database",
            docs=DOCS,
            proof="wire-compatible",
        )
    ]
