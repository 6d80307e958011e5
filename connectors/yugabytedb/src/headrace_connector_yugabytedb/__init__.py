"""YugabyteDB: reads and writes tables of YugabyteDB."""

from headrace.kits.sql.declare import Port, PostgresConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

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
        tables_manifest(
            __name__, "YugabyteDB", "Tables of YugabyteDB", YugabytedbConfig, proof="wire-compatible",
            effect=EffectClass.TRANSACTIONAL, docs=DOCS,
        )
    ]  # fmt: skip
