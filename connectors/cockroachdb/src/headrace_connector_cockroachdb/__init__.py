"""CockroachDB: reads and writes tables of CockroachDB."""

from headrace.kits.sql.declare import TABLES, Port, PostgresConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

DOCS = """Reads and writes tables of CockroachDB.

Stages are ordinary tables that are dropped in the same transaction. A transaction that loses against another is
reported as one to try again.

Proven against PostgreSQL, whose protocol it speaks."""


class CockroachdbConfig(PostgresConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 26257


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="cockroachdb",
            title="CockroachDB",
            category="database",
            summary="Tables of CockroachDB",
            config=CockroachdbConfig,
            factory=lazy("headrace_connector_cockroachdb.connector:CockroachdbConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:database",
            docs=DOCS,
            proof="wire-compatible",
        )
    ]
