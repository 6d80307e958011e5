"""Vertica: reads and writes tables of Vertica."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

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
        ConnectorManifest(
            id="vertica",
            title="Vertica",
            category="database",
            summary="Tables of Vertica",
            config=VerticaConfig,
            factory=lazy("headrace_connector_vertica.connector:VerticaConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.IDEMPOTENT,
            icon="lucide:database",
            docs=DOCS,
            proof="unproven",
        )
    ]
