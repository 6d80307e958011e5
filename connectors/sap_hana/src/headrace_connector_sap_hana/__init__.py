"""SAP HANA: reads and writes tables of SAP HANA."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

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
        ConnectorManifest(
            id="sap_hana",
            title="SAP HANA",
            category="database",
            summary="Tables of SAP HANA",
            config=SapHanaConfig,
            factory=lazy("headrace_connector_sap_hana.connector:SapHanaConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.IDEMPOTENT,
            icon="lucide:database",
            docs=DOCS,
            proof="unproven",
        )
    ]
