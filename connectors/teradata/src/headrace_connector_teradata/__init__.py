"""Teradata Vantage: reads and writes tables of Teradata Vantage."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

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
        ConnectorManifest(
            id="teradata",
            title="Teradata Vantage",
            category="database",
            summary="Tables of Teradata Vantage",
            config=TeradataConfig,
            factory=lazy("headrace_connector_teradata.connector:TeradataConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.IDEMPOTENT,
            icon="lucide:database",
            docs=DOCS,
            proof="unproven",
        )
    ]
