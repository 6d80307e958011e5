"""Greenplum: reads and writes tables of Greenplum."""

from headrace.kits.sql.declare import TABLES, PostgresConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

DOCS = """Reads and writes tables of Greenplum.

An upsert changes no distribution key; make it part of the keys.

Proven against PostgreSQL, whose protocol it speaks."""


class GreenplumConfig(PostgresConfig, kw_only=True):
    """How to reach the database."""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="greenplum",
            title="Greenplum",
            category="database",
            summary="Tables of Greenplum",
            config=GreenplumConfig,
            factory=lazy("headrace_connector_greenplum.connector:GreenplumConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:database",
            docs=DOCS,
            proof="wire-compatible",
        )
    ]
