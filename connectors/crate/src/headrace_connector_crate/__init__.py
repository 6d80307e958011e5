"""CrateDB: reads tables of CrateDB."""

from headrace.kits.sql.declare import PostgresConfig, tables_manifest
from headrace.sdk import ConnectorManifest, hookimpl

DOCS = """Reads tables of CrateDB.

Reads only: it has no transaction in which a write could be all or nothing.

Proven against PostgreSQL, whose protocol it speaks."""


class CrateConfig(PostgresConfig, kw_only=True):
    """How to reach the database."""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "CrateDB", "Tables of CrateDB", CrateConfig, proof="wire-compatible", docs=DOCS,
        )
    ]  # fmt: skip
