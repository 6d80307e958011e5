"""Exasol: reads and writes tables of Exasol."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

DOCS = """Reads and writes tables of Exasol.

No server of it runs in the tests: what is proven is how statements, types and addresses are made. Install
`headrace-connector-exasol[driver]` where the workers are."""


class ExasolConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 8563


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="exasol",
            title="Exasol",
            category="database",
            summary="Tables of Exasol",
            config=ExasolConfig,
            factory=lazy("headrace_connector_exasol.connector:ExasolConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:database",
            docs=DOCS,
            proof="unproven",
        )
    ]
