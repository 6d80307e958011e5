"""MariaDB: tables of a database, read through a server-side cursor, written in one transaction."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy


class MariaDBConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 3306


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="mariadb",
            title="MariaDB",
            category="database",
            summary="Tables of a MariaDB database",
            config=MariaDBConfig,
            factory=lazy("headrace_connector_mariadb.connector:MariaDBConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.IDEMPOTENT,
            icon="lucide:database",
            docs=(
                "Appends and upserts are one transaction with a ledger row; an overwrite is swapped by one RENAME"
                " TABLE."
            ),
            proof="real server",
        )
    ]
