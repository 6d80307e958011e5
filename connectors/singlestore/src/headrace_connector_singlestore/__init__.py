"""SingleStore: reads and writes tables of SingleStore."""

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

DOCS = """Reads and writes tables of SingleStore.

An overwrite drops the table and renames the new one; keys must hold the shard key.

Proven against MariaDB, whose protocol it speaks."""


class SinglestoreConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 3306


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "SingleStore", "Tables of SingleStore", SinglestoreConfig, proof="wire-compatible",
            effect=EffectClass.IDEMPOTENT, docs=DOCS,
        )
    ]  # fmt: skip
