"""IBM Db2: reads and writes tables of IBM Db2."""

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

DOCS = """Reads and writes tables of IBM Db2.

The driver takes 135 MB.

No server of it runs in the tests: what is proven is how statements, types and addresses are made. Install
`headrace-connector-db2[driver]` where the workers are."""


class Db2Config(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 50000


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "IBM Db2", "Tables of IBM Db2", Db2Config, proof="unproven", effect=EffectClass.TRANSACTIONAL,
            docs=DOCS,
        )
    ]  # fmt: skip
