"""SharePoint."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.kits.files.graph import GraphConfig, graph_flow
from headrace.sdk import ConnectorManifest, Field, hookimpl

DOCS = """Files in the libraries of a SharePoint site. Without a library in the connection each library is a folder, so
that a stream is `Documents/2026/*.csv`; the list of streams then shows those there are."""


class SharepointConfig(GraphConfig, kw_only=True):
    """Which site, and which library and folder of it."""

    site: Annotated[
        str, Field("Site", "Its address.", examples=["https://contoso.sharepoint.com/sites/Sales"], order=4)
    ]
    library: Annotated[
        str, Field("Library", "Its name; empty is all of them, each as a folder.", examples=["Documents"], order=5)
    ] = ""
    folder: Annotated[str, Field("Folder", "Of the library; empty is all.", examples=["Reports/2026"], order=6)] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "SharePoint", "Files in the libraries of a site", SharepointConfig, icon="lucide:share-2",
            proof="recorded", docs=DOCS, oauth=graph_flow("Sites.ReadWrite.All"),
        )
    ]  # fmt: skip
