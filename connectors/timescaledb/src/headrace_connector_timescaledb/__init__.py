"""TimescaleDB: reads and writes tables of TimescaleDB."""

from headrace.kits.sql.declare import PostgresConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

DOCS = """Reads and writes tables of TimescaleDB.

Hypertables are tables like others; the chunks are not listed.

Proven against PostgreSQL, whose protocol it speaks."""


class TimescaledbConfig(PostgresConfig, kw_only=True):
    """How to reach the database."""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "TimescaleDB", "Tables of TimescaleDB", TimescaledbConfig, proof="wire-compatible",
            effect=EffectClass.TRANSACTIONAL, docs=DOCS,
        )
    ]  # fmt: skip
