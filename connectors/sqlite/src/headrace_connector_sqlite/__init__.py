"""SQLite: one file, read and written by table."""

from typing import Annotated

from headrace.kits.sql.declare import tables_manifest
from headrace.sdk import Config, ConnectorManifest, EffectClass, Field, hookimpl

DOCS = """Reads and writes tables of one database file; it must be reachable by every worker."""


class SqliteConfig(Config):
    """How to find the file."""

    path: Annotated[str, Field("File", "Path below the files folder of this install.", examples=["shop.db"])]


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "SQLite", "Tables of an SQLite file", SqliteConfig, proof="engine",
            effect=EffectClass.TRANSACTIONAL, icon="lucide:file-box", docs=DOCS,
        )
    ]  # fmt: skip
