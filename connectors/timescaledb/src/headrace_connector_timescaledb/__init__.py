"""TimescaleDB: reads and writes tables of TimescaleDB."""

from headrace.kits.sql.declare import TABLES, PostgresConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

DOCS = """Reads and writes tables of TimescaleDB.

Hypertables are tables like others; the chunks are not listed.

Proven against PostgreSQL, whose protocol it speaks."""


class TimescaledbConfig(PostgresConfig, kw_only=True):
    """How to reach the database."""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="timescaledb",
            title="TimescaleDB",
            category="database",
            summary="Tables of TimescaleDB",
            config=TimescaledbConfig,
            factory=lazy("headrace_connector_timescaledb.connector:TimescaledbConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:database",
            docs=DOCS,
            proof="wire-compatible",
        )
    ]
