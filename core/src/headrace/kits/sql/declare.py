"""What the declarations of database connectors share. Imports no driver and not SQLAlchemy."""

from typing import Annotated, Literal

from headrace.sdk import Capability, Config, Field, Secret

READS = frozenset({Capability.READ, Capability.QUERY, Capability.INCREMENTAL, Capability.PAGES})
"""What the kit does for every database that it reads."""
WRITES = frozenset(
    {
        Capability.WRITE, Capability.UPSERT, Capability.MERGE, Capability.SCD2, Capability.DRIFT, Capability.PLAN,
    }
)  # fmt: skip
TABLES = READS | WRITES
"""What the kit does for every database with tables; its `write_options` are `TableOptions`."""

Port = Annotated[int, Field("Port", ge=1, le=65535, order=1)]


class ServerConfig(Config, kw_only=True):
    """How to reach a database on a server; a connector adds `port: Port` with its default."""

    host: Annotated[str, Field("Host", examples=["db.example.org"], order=0)]
    database: Annotated[str, Field("Database", examples=["shop"], order=2)]
    user: Annotated[str, Field("User", order=3)]
    password: Annotated[Secret, Field("Password", order=4)] = Secret("")


class PostgresConfig(ServerConfig, kw_only=True):
    """How to reach a server of the PostgreSQL protocol."""

    port: Port = 5432
    ssl: Annotated[
        Literal["prefer", "require", "verify-full", "disable"],
        Field("TLS", "`verify-full` also checks who the server is.", advanced=True, order=5),
    ] = "prefer"
