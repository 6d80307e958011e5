"""OneDrive."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.kits.files.graph import GraphConfig, graph_flow
from headrace.sdk import ConnectorManifest, Field, hookimpl

DOCS = """Files of a OneDrive, personal or of an organization, or of one folder of it. Folders of others that are linked
into it and notebooks are left out."""


class OnedriveConfig(GraphConfig, kw_only=True):
    """Whose OneDrive, and which folder of it."""

    user: Annotated[
        str, Field("User", "Whose OneDrive it is.", examples=["ada@example.org"],
                   visible_if={"auth": "client_credentials"}, order=4),
    ] = ""  # fmt: skip
    folder: Annotated[str, Field("Folder", "Empty is all.", examples=["Reports/2026"], order=5)] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "OneDrive", "Files of a OneDrive", OnedriveConfig, icon="lucide:cloud", proof="recorded",
            docs=DOCS, oauth=graph_flow("Files.ReadWrite.All"),
        )
    ]  # fmt: skip
