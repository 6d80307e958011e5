"""PostgreSQL: tables read through a server-side cursor, written by COPY in one transaction."""

from typing import Annotated, Literal

from headrace.sdk import Capability, Config, ConnectorManifest, EffectClass, Field, Secret, hookimpl, lazy

DOCS = """Reads tables and views, and SELECTs under the SQL policy. Writes by COPY: append, overwrite (staged, then
swapped) and upsert by key, each in one transaction together with a ledger row: a repeated execution changes nothing.

Give it a role of its own with no more rights than it needs."""


class PostgresqlConfig(Config, kw_only=True):
    """How to reach the database."""

    host: Annotated[str, Field("Host", examples=["db.example.org"], order=0)]
    port: Annotated[int, Field("Port", ge=1, le=65535, order=1)] = 5432
    database: Annotated[str, Field("Database", examples=["warehouse"], order=2)]
    user: Annotated[str, Field("User", order=3)]
    password: Annotated[Secret, Field("Password", order=4)] = Secret("")
    ssl: Annotated[
        Literal["prefer", "require", "verify-full", "disable"],
        Field("TLS", "`verify-full` also checks who the server is.", advanced=True, order=5),
    ] = "prefer"


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="postgresql",
            title="PostgreSQL",
            category="database",
            summary="Tables of a PostgreSQL database",
            config=PostgresqlConfig,
            factory=lazy("headrace_connector_postgresql.connector:PostgresqlConnector"),
            capabilities=frozenset(
                {Capability.READ, Capability.WRITE, Capability.UPSERT, Capability.QUERY, Capability.INCREMENTAL}
            ),
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:database",
            docs=DOCS,
            proof="real server",
        )
    ]
