"""Oracle Database: reads and writes tables of Oracle Database."""

from headrace.kits.sql.declare import TABLES, Port, ServerConfig
from headrace.sdk import Capability, ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

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
        ConnectorManifest(
            id="oracle",
            title="Oracle Database",
            category="database",
            summary="Tables of Oracle Database",
            config=OracleConfig,
            factory=lazy("headrace_connector_oracle.connector:OracleConnector"),
            capabilities=TABLES - {Capability.SCD2},
            write_options=TableOptions,
            effect_class=EffectClass.IDEMPOTENT,
            icon="lucide:database",
            docs=DOCS,
            proof="unproven",
        )
    ]
