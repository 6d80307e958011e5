"""CockroachDB: reads and writes tables of CockroachDB."""

from headrace.kits.sql.declare import Port, PostgresConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

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
        tables_manifest(
            __name__, "CockroachDB", "Tables of CockroachDB", CockroachdbConfig, proof="wire-compatible",
            effect=EffectClass.TRANSACTIONAL, docs=DOCS,
        )
    ]  # fmt: skip
