"""SAP HANA: reads and writes tables of SAP HANA."""

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

DOCS = """Reads and writes tables of SAP HANA.

DDL commits by itself there: an overwrite is not one transaction.

No server of it runs in the tests: what is proven is how statements, types and addresses are made. Install
`headrace-connector-sap-hana[driver]` where the workers are."""


class SapHanaConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 30015


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "SAP HANA", "Tables of SAP HANA", SapHanaConfig, proof="unproven",
            effect=EffectClass.IDEMPOTENT, docs=DOCS,
        )
    ]  # fmt: skip
