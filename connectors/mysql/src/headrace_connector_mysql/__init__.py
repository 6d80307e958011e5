"""MySQL: tables of a database, read through a server-side cursor, written in one transaction."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy


class MySQLConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 3306


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="mysql",
            title="MySQL",
            category="database",
            summary="Tables of a MySQL database",
            config=MySQLConfig,
            factory=lazy("headrace_connector_mysql.connector:MySQLConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.IDEMPOTENT,
            icon="lucide:database",
            docs=(
                "Appends and upserts are one transaction with a ledger row; an overwrite is swapped by one RENAME"
                " TABLE."
            ),
            proof="wire-compatible",
        )
    ]
