"""QuestDB: reads tables of QuestDB."""

from headrace.kits.sql.declare import READS, Port, PostgresConfig
from headrace.sdk import ConnectorManifest, hookimpl, lazy

DOCS = """Reads tables of QuestDB.

Reads only: it has no transaction in which a write could be all or nothing. It has no primary keys either, so a
read starts anew.

Proven against PostgreSQL, whose protocol it speaks."""


class QuestdbConfig(PostgresConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 8812


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="questdb",
            title="QuestDB",
            category="database",
            summary="Tables of QuestDB",
            config=QuestdbConfig,
            factory=lazy("headrace_connector_questdb.connector:QuestdbConnector"),
            capabilities=READS,
            icon="lucide:database",
            docs=DOCS,
            proof="wire-compatible",
        )
    ]
