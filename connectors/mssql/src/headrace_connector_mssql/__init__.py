"""Microsoft SQL Server: reads and writes tables of Microsoft SQL Server."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

DOCS = """Reads and writes tables of Microsoft SQL Server.

SQL Server and Azure SQL. There is no read-only transaction: give queries a user that may read only.

No server of it runs in the tests: what is proven is how statements, types and addresses are made. Install
`headrace-connector-mssql[driver]` where the workers are."""


class MssqlConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 1433


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="mssql",
            title="Microsoft SQL Server",
            category="database",
            summary="Tables of Microsoft SQL Server",
            config=MssqlConfig,
            factory=lazy("headrace_connector_mssql.connector:MssqlConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:database",
            docs=DOCS,
            proof="unproven",
        )
    ]
