"""Apache Iceberg: tables of a catalog, each write one commit."""

from typing import Annotated, Literal

from headrace.sdk import Capability, Config, ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """A stream is a table of the catalog, e.g. `sales.orders`. It is read as it is now, as it was at a snapshot, or
only the rows that were appended behind a snapshot. Writes append, overwrite, upsert and merge by key. Each is one
commit, whose summary also holds the key of the step's effect, so that a repeated execution changes nothing.

The catalog is a file `catalog.db` in a folder below the files folder of this install, and the tables lie beside it;
every worker must reach them. A table with files outside of that folder is refused. Iceberg has no unsigned and no small
numbers (they become wider signed ones) and no type for a duration: cast that before."""


class IcebergConfig(Config):
    """Where the catalog is."""

    root: Annotated[
        str,
        Field("Folder", "Below the files folder of this install; `.` is that folder itself.", examples=[".", "lake"]),
    ] = "."
    catalog: Annotated[
        str, Field("Catalog", "Name of the catalog in the file, as other programs call it.", advanced=True)
    ] = "default"


class IcebergReadOptions(Config, kw_only=True):
    """Which rows of a table are read."""

    snapshot: Annotated[
        int, Field("Snapshot", "Number of a snapshot; 0 is the latest.", ge=0, advanced=True, order=0)
    ] = 0
    appended_after: Annotated[
        int,
        Field("Appended after", "Only the rows that were appended behind this snapshot; 0 reads all. Deleted and "
              "replaced rows are not told.", ge=0, advanced=True, order=1),
    ] = 0  # fmt: skip


class IcebergWriteOptions(Config, kw_only=True):
    """How rows meet a table that is there already."""

    drift: Annotated[
        Literal["freeze", "evolve"],
        Field("Schema drift", "What to do with columns that the table lacks, or keeps in a narrower type.",
              enum_labels={"freeze": "Freeze: refuse the rows", "evolve": "Evolve: add and widen columns"}),
    ] = "freeze"  # fmt: skip
    deletes: Annotated[
        str,
        Field("Deletion column", "Of a merge: a column of true and false; the rows marked true are deleted by key. "
              "Empty: a merge deletes the rows whose key did not come.", advanced=True),
    ] = ""  # fmt: skip


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="iceberg",
            title="Apache Iceberg",
            category="file",
            summary="Iceberg tables of a catalog",
            config=IcebergConfig,
            factory=lazy("headrace_connector_iceberg.connector:IcebergConnector"),
            capabilities=frozenset(
                {
                    Capability.READ,
                    Capability.WRITE,
                    Capability.UPSERT,
                    Capability.MERGE,
                    Capability.SCAN,
                    Capability.INCREMENTAL,
                }
            ),
            read_options=IcebergReadOptions,
            write_options=IcebergWriteOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:snowflake",
            docs=DOCS,
            proof="engine",
        )
    ]
