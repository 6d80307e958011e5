"""YugabyteDB: reads and writes tables of YugabyteDB."""

from headrace.kits.sql.declare import TABLES, Port, PostgresConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

DOCS = """Reads and writes tables of YugabyteDB.

Speaks the YSQL interface.

Proven against PostgreSQL, whose protocol it speaks."""


class YugabytedbConfig(PostgresConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 5433


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="yugabytedb",
            title="YugabyteDB",
            category="database",
            summary="Tables of YugabyteDB",
            config=YugabytedbConfig,
            factory=lazy("headrace_connector_yugabytedb.connector:YugabytedbConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:database",
            docs=DOCS,
            proof="wire-compatible",
        )
    ]
