"""Teradata Vantage: reads and writes tables of Teradata Vantage."""

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

DOCS = """Reads and writes tables of Teradata Vantage.

The driver takes 349 MB. DDL commits by itself there: an overwrite is not one transaction.

No server of it runs in the tests: what is proven is how statements, types and addresses are made. Install
`headrace-connector-teradata[driver]` where the workers are."""


class TeradataConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 1025


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "Teradata Vantage", "Tables of Teradata Vantage", TeradataConfig, proof="unproven",
            effect=EffectClass.IDEMPOTENT, docs=DOCS,
        )
    ]  # fmt: skip
