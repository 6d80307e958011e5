"""QuestDB: reads tables of QuestDB."""

from headrace.kits.sql.declare import Port, PostgresConfig, tables_manifest
from headrace.sdk import ConnectorManifest, hookimpl

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
        tables_manifest(
            __name__, "QuestDB", "Tables of QuestDB", QuestdbConfig, proof="wire-compatible", docs=DOCS,
        )
    ]  # fmt: skip
