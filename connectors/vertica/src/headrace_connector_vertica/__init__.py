"""Vertica: reads and writes tables of Vertica."""

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

DOCS = """Reads and writes tables of Vertica.

The newest dialect for it is of 2023.

No server of it runs in the tests: what is proven is how statements, types and addresses are made. Install
`headrace-connector-vertica[driver]` where the workers are."""


class VerticaConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 5433


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "Vertica", "Tables of Vertica", VerticaConfig, proof="unproven",
            effect=EffectClass.IDEMPOTENT, docs=DOCS,
        )
    ]  # fmt: skip
