"""CrateDB: reads tables of CrateDB."""

from headrace.kits.sql.declare import READS, PostgresConfig
from headrace.sdk import ConnectorManifest, hookimpl, lazy

DOCS = """Reads tables of CrateDB.

Reads only: it has no transaction in which a write could be all or nothing.

Proven against PostgreSQL, whose protocol it speaks."""


class CrateConfig(PostgresConfig, kw_only=True):
    """How to reach the database."""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="crate",
            title="CrateDB",
            category="database",
            summary="Tables of CrateDB",
            config=CrateConfig,
            factory=lazy("headrace_connector_crate.connector:CrateConnector"),
            capabilities=READS,
            icon="lucide:database",
            docs=DOCS,
            proof="wire-compatible",
        )
    ]
