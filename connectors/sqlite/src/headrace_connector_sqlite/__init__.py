"""SQLite: one file, read and written by table."""

from typing import Annotated

from headrace.kits.sql.declare import TABLES
from headrace.sdk import Config, ConnectorManifest, EffectClass, Field, TableOptions, hookimpl, lazy


class SqliteConfig(Config):
    """How to find the file."""

    path: Annotated[str, Field("File", "Path below the files folder of this install.", examples=["shop.db"])]


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="sqlite",
            title="SQLite",
            category="database",
            summary="Tables of an SQLite file",
            config=SqliteConfig,
            factory=lazy("headrace_connector_sqlite.connector:SqliteConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:file-box",
            docs="Reads and writes tables of one database file; it must be reachable by every worker.",
            proof="engine",
        )
    ]
