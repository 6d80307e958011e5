"""DuckDB: one file, read in Arrow batches and written in one transaction."""

from typing import Annotated

from headrace.sdk import Capability, Config, ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """Reads tables and views, and SELECTs under the SQL policy. Writes append, overwrite (staged, then swapped) and
upsert by key, each in one transaction together with a ledger row, so that a repeated execution changes nothing.

The file lies below the files folder of this install and must be reachable by every worker. SQL sees this file only: no
other file, no network, no extension. Many processes may read it at once; while one writes, the others wait and try
again.

Months in an interval, nanoseconds and infinite dates have no counterpart here: reading them fails and names the column;
a query may cast them. Unions, bit strings and numbers beyond 128 bits travel as text."""


class DuckdbConfig(Config):
    """How to find the file."""

    path: Annotated[
        str,
        Field("File", "Path of the database file below the files folder of this install.", examples=["shop.duckdb"]),
    ]


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="duckdb",
            title="DuckDB",
            category="database",
            summary="Tables of a DuckDB file",
            config=DuckdbConfig,
            factory=lazy("headrace_connector_duckdb.connector:DuckdbConnector"),
            capabilities=frozenset(
                {
                    Capability.READ,
                    Capability.WRITE,
                    Capability.UPSERT,
                    Capability.QUERY,
                    Capability.INCREMENTAL,
                    Capability.NARROW,
                }
            ),
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:database-zap",
            docs=DOCS,
            proof="engine",
        )
    ]
