"""Apache Iceberg: tables of a catalog, each write one commit."""

from typing import Annotated

from headrace.kits.lakes.declare import LAKE, LakeConfig
from headrace.sdk import Config, ConnectorManifest, EffectClass, Field, Secret, hookimpl, lazy
from headrace.sdk.tables import TableOptions

DOCS = """A stream is a table of the catalog, e.g. `sales.orders`. It is read as it is now, as it was at a snapshot, or
only the rows that were appended behind a snapshot. Writes append, overwrite, upsert and merge by key. Each is one
commit, whose summary also holds the key of the step's effect, so that a repeated execution changes nothing.

The catalog is a server with the REST interface, or a file `catalog.db` in a folder below the files folder of this
install, which every worker must reach. The tables lie beside that file, or in the folder of the same name in a bucket
on Amazon S3 or a compatible store. A table with files outside of its place is refused. Iceberg has no unsigned and no
small numbers (they become wider signed ones) and no type for a duration: cast that before."""


class IcebergConfig(LakeConfig, kw_only=True):
    """Where the catalogue and its tables are."""

    uri: Annotated[
        str,
        Field("Catalogue server", "Address of a REST catalogue; empty: the catalogue is a file in the folder.",
              examples=["https://catalog.example.org/api/catalog"], order=1),
    ] = ""  # fmt: skip
    warehouse: Annotated[str, Field("Warehouse", "As the server names it.", order=2)] = ""
    token: Annotated[Secret, Field("Token", "Of the server; or client id and secret.", order=3)] = Secret("")
    client_id: Annotated[str, Field("Client id", "Of the server.", order=4)] = ""
    client_secret: Annotated[Secret, Field("Client secret", order=5)] = Secret("")
    token_uri: Annotated[
        str, Field("Token address", "Where a client gets its token; empty: at the server.", advanced=True, order=6)
    ] = ""
    scope: Annotated[str, Field("Scope", "Of the client's token.", advanced=True, order=7)] = "catalog"
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
            capabilities=LAKE,
            read_options=IcebergReadOptions,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:snowflake",
            docs=DOCS,
            proof="engine",
        )
    ]
