"""TiDB: reads and writes tables of TiDB."""

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

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
        tables_manifest(
            __name__, "TiDB", "Tables of TiDB", TidbConfig, proof="wire-compatible", effect=EffectClass.IDEMPOTENT,
            docs=DOCS,
        )
    ]  # fmt: skip
