"""Amazon Redshift: reads and writes tables of Amazon Redshift."""

from headrace.kits.sql.declare import Port, PostgresConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

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
        tables_manifest(
            __name__, "Amazon Redshift", "Tables of Amazon Redshift", RedshiftConfig, proof="wire-compatible",
            effect=EffectClass.TRANSACTIONAL, docs=DOCS,
        )
    ]  # fmt: skip
