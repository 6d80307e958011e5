"""Oracle Database: reads and writes tables of Oracle Database."""

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import Capability, ConnectorManifest, EffectClass, hookimpl

DOCS = """Reads and writes tables of Oracle Database.

Thin mode, no client is needed. DDL commits by itself there: an overwrite is not one transaction. Empty texts are
null to it.

No server of it runs in the tests: what is proven is how statements, types and addresses are made. Install
`headrace-connector-oracle[driver]` where the workers are."""


class OracleConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 1521


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "Oracle Database", "Tables of Oracle Database", OracleConfig, proof="unproven",
            effect=EffectClass.IDEMPOTENT, less=frozenset({Capability.SCD2}), docs=DOCS,
        )
    ]  # fmt: skip
