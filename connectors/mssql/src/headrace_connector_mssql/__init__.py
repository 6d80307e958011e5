"""Microsoft SQL Server: reads and writes tables of Microsoft SQL Server."""

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

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
        tables_manifest(
            __name__, "Microsoft SQL Server", "Tables of Microsoft SQL Server", MssqlConfig, proof="unproven",
            effect=EffectClass.TRANSACTIONAL, docs=DOCS,
        )
    ]  # fmt: skip
