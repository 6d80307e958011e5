"""Delta Lake: tables in folders, each write one commit of the table's log."""

from typing import Annotated

from headrace.kits.lakes.declare import LAKE, LakeConfig
from headrace.sdk import Config, ConnectorManifest, EffectClass, Field, hookimpl, lazy
from headrace.sdk.tables import TableOptions

DOCS = """A stream is a folder with a `_delta_log`, e.g. `sales/orders`. It is read as it is now, or as it was at an
earlier version or moment. Writes append, overwrite, upsert and merge by key. Each is one commit, which also holds the
key of the step's effect, so that a repeated execution changes nothing. An overwritten table keeps its earlier versions.

The folder lies below the files folder of this install, where every worker must reach it, or in a bucket on Amazon S3 or
a compatible store. A table whose log names files outside of its own folder is refused. Delta Lake has no unsigned
numbers (they become wider signed ones) and no type for a time of day or a duration: cast them before. Columns that are
there keep their type: with `evolve` new ones are added."""


class DeltaConfig(LakeConfig, kw_only=True):
    """Where the tables are."""


class DeltaReadOptions(Config, kw_only=True):
    """Which state of a table is read."""

    version: Annotated[
        int, Field("Version", "Number of a commit; -1 is the latest.", ge=-1, advanced=True, order=0)
    ] = -1
    at: Annotated[
        str,
        Field("As it was at", "A moment with its zone; empty is now.", examples=["2026-01-31T18:00:00Z"], advanced=True,
              order=1),
    ] = ""  # fmt: skip


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="delta",
            title="Delta Lake",
            category="file",
            summary="Delta tables in a folder or bucket",
            config=DeltaConfig,
            factory=lazy("headrace_connector_delta.connector:DeltaConnector"),
            capabilities=LAKE,
            read_options=DeltaReadOptions,
            write_options=TableOptions,
            effect_class=EffectClass.TRANSACTIONAL,
            icon="lucide:triangle",
            docs=DOCS,
            proof="engine",
        )
    ]
