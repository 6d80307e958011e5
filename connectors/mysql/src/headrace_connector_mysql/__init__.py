"""MySQL: tables of a database, read through a server-side cursor, written in one transaction."""

from typing import Annotated

from headrace.sdk import Capability, Config, ConnectorManifest, EffectClass, Field, Secret, hookimpl, lazy


class MySQLConfig(Config, kw_only=True):
    """How to reach the database."""

    host: Annotated[str, Field("Host", examples=["db.example.org"], order=0)]
    port: Annotated[int, Field("Port", ge=1, le=65535, order=1)] = 3306
    database: Annotated[str, Field("Database", examples=["shop"], order=2)]
    user: Annotated[str, Field("User", order=3)]
    password: Annotated[Secret, Field("Password", order=4)] = Secret("")


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="mysql",
            title="MySQL",
            category="database",
            summary="Tables of a MySQL database",
            config=MySQLConfig,
            factory=lazy("headrace_connector_mysql.connector:MySQLConnector"),
            capabilities=frozenset(
                {Capability.READ, Capability.WRITE, Capability.UPSERT, Capability.QUERY, Capability.INCREMENTAL}
            ),
            effect_class=EffectClass.IDEMPOTENT,
            icon="lucide:database",
            docs=(
                "Appends and upserts are one transaction with a ledger row; an overwrite is swapped by one RENAME"
                " TABLE."
            ),
            proof="wire-compatible",
        )
    ]
