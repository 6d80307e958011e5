"""Amazon Redshift: reads and writes tables of Amazon Redshift."""

from headrace.kits.sql.declare import TABLES, Port, PostgresConfig
from headrace.sdk import ConnectorManifest, EffectClass, TableOptions, hookimpl, lazy

DOCS = """Reads and writes tables of Amazon Redshift.

Rows go in by INSERT, as COPY takes files in S3 only; for millions of rows, write Parquet to S3 and load it there.

Proven against PostgreSQL, whose protocol it speaks."""


class RedshiftConfig(PostgresConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 5439


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="redshift",
            title="Amazon Redshift",
            category="database",
            summary="Tables of Amazon Redshift",
            config=RedshiftConfig,
            factory=lazy("headrace_connector_redshift.connector:RedshiftConnector"),
            capabilities=TABLES,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:database",
            docs=DOCS,
            proof="wire-compatible",
        )
    ]
