"""Files on web servers, by their addresses; read only."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl


class HttpFilesConfig(Config):
    """Which server, and which of its files."""

    url: Annotated[str, Field("Address", "Of the folder.", examples=["https://data.example.org/open"], order=0)]
    paths: Annotated[
        list[str],
        Field("Files", "Paths below the address, to look through; a web server does not list.", widget="tags", order=1),
    ] = []
    user: Annotated[str, Field("User", order=2)] = ""
    password: Annotated[Secret, Field("Password", order=3)] = Secret("")
    token: Annotated[Secret, Field("Token", "Bearer token, instead of user and password.", order=4)] = Secret("")


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "Web files", "Files on a web server, by http or https", HttpFilesConfig, icon="lucide:link",
            proof="real server", writes=False,
        )
    ]  # fmt: skip
