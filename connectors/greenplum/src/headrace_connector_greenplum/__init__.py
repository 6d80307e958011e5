"""Greenplum: reads and writes tables of Greenplum."""

from headrace.kits.sql.declare import PostgresConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

DOCS = """Reads and writes tables of Greenplum.

An upsert changes no distribution key; make it part of the keys.

Proven against PostgreSQL, whose protocol it speaks."""


class GreenplumConfig(PostgresConfig, kw_only=True):
    """How to reach the database."""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "Greenplum", "Tables of Greenplum", GreenplumConfig, proof="wire-compatible",
            effect=EffectClass.TRANSACTIONAL, docs=DOCS,
        )
    ]  # fmt: skip
