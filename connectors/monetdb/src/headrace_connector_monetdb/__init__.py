"""MonetDB: reads and writes tables of MonetDB."""

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

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
        tables_manifest(
            __name__, "MonetDB", "Tables of MonetDB", MonetdbConfig, proof="unproven",
            effect=EffectClass.TRANSACTIONAL, docs=DOCS,
        )
    ]  # fmt: skip
