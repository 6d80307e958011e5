"""What the declarations of database connectors share. Imports no driver and not SQLAlchemy."""

from typing import Annotated, Any, Literal

import msgspec

from headrace.sdk import (
    Capability,
    Config,
    ConnectorManifest,
    EffectClass,
    Field,
    Secret,
    TableOptions,
    TriggerConfig,
    TriggerType,
    lazy,
)
from headrace.sdk.manifests import Proof

READS = frozenset(
    {Capability.READ, Capability.QUERY, Capability.INCREMENTAL, Capability.PAGES, Capability.NARROW}
)  # fmt: skip
"""What the kit does for every database that it reads."""
WRITES = frozenset(
    {
        Capability.WRITE, Capability.UPSERT, Capability.MERGE, Capability.SCD2, Capability.DRIFT, Capability.PLAN,
    }
)  # fmt: skip
TABLES = READS | WRITES
"""What the kit does for every database with tables; its `write_options` are `TableOptions`."""


def tables_manifest(
    package: str, title: str, summary: str, config: type[Config], *, proof: Proof, docs: str,
    effect: EffectClass | None = None, more: frozenset[Capability] = frozenset(),
    less: frozenset[Capability] = frozenset(), waits: bool = False, icon: str = "lucide:database",
) -> ConnectorManifest:  # fmt: skip
    """The manifest of a database; its class is `connector.py`'s, called as its config is.

    Args:
        package: `__name__` of the declaration.
        title: For people.
        summary: One sentence.
        config: Of a connection.
        proof: How it is tested.
        docs: What is particular to it.
        effect: The promise of its writes; None: it is only read.
        more: Capabilities besides those of the kit.
        less: What it cannot do of them.
        waits: Its answers are waited for more than computed with.
        icon: From the icon set.
    """
    writing: dict[str, Any] = {"write_options": TableOptions, "effect_class": effect} if effect else {}
    factory = f"{package}.connector:{config.__name__.removesuffix('Config')}Connector"
    return ConnectorManifest(
        id=package.removeprefix("headrace_connector_"), title=title, category="database", summary=summary,
        config=config, factory=lazy(factory), capabilities=(TABLES if effect else READS) - less | more, waits=waits,
        icon=icon, docs=docs, proof=proof, **writing,
    )  # fmt: skip


Port = Annotated[int, Field("Port", ge=1, le=65535, order=1)]


Database = Annotated[
    str, Field("Database", examples=["shop"], options_from="choices", depends_on=["host", "user", "password"],
               allow_custom=True, order=5)
]  # fmt: skip
"""Of a connector that lists those of its server (CHOICES)."""


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


class RowChanges(TriggerConfig, kw_only=True):
    """How changes of tables come, whatever the database."""

    snapshot: Annotated[
        Literal["initial", "never"],
        Field("Rows that are there already", "Read first, each as a change `read`, then go on with what changed since; "
              "or left out.", order=3),
    ] = "initial"  # fmt: skip
    shape: Annotated[
        Literal["changes", "columns"],
        Field("Rows", "A row for each change with `before` and `after`, or the columns of the table with _operation "
              "beside them.", order=4),
    ] = "changes"  # fmt: skip
    batch_changes: Annotated[
        int, Field("Changes at once", "No more changes in one execution.", ge=1, le=10_000, order=5)
    ] = 1_000
    batch_seconds: Annotated[
        float, Field("Wait for more", "A batch is closed so long after its first change.", ge=0, le=30, unit="s",
                     order=6)
    ] = 1  # fmt: skip


class BinlogConfig(RowChanges, kw_only=True):
    """Which changes of MySQL or MariaDB start the flow; a connector narrows `connection` to its own."""

    connection: str
    tables: Annotated[
        list[str], Field("Tables", "Of the connection's database. Empty: all.", widget="tags", order=1)
    ] = []
    operations: Annotated[
        list[Literal["insert", "update", "delete"]],
        Field("Operations", "Which changes count.", min_length=1, order=2),
    ] = msgspec.field(default_factory=lambda: ["insert", "update", "delete"])


_BINLOG = """Needs log_bin = ON, binlog_format = ROW, binlog_row_image = FULL and binlog_row_metadata = FULL, and a user
with the rights REPLICATION SLAVE and REPLICATION CLIENT. Changes come in the order in which they were committed, each
to exactly one execution, with the whole row before and after.

The rows that are there already come first, each once as `read`, while others write: what changed since the moment that
they show follows without a gap, also when a reader dies in between.{moment}

The server removes its log by age, also what was not read: let it keep the log for longer than a flow may be off."""


def binlog_trigger(package: str, title: str, config: type[BinlogConfig], *, moment: str = "") -> TriggerType:
    """The trigger on changes of MySQL or MariaDB.

    Args:
        package: `__name__` of the declaration.
        title: Of the server.
        config: Which changes.
        moment: What the server needs for a first look at the rows that are there.
    """
    return TriggerType(
        id=f"cdc_{package.removeprefix('headrace_connector_')}", title=f"Changed rows ({title})", mode="source",
        kind="cdc", config=config, icon="lucide:database-zap", tags=("cdc", "replication", "watch"),
        factory=lazy("headrace.kits.sql.binlog:BinlogChanges"),
        summary="Starts with each insert, update and delete of tables, from the binlog.",
        docs=_BINLOG.format(moment=moment and f" {moment}"),
    )  # fmt: skip
