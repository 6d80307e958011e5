"""WebDAV: Nextcloud, ownCloud, SharePoint libraries, web servers."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl


class WebdavConfig(Config):
    """Which folder, and as whom."""

    url: Annotated[
        str, Field("Address", "Of the folder.", examples=["https://cloud.example.org/dav/files/ada"], order=0)
    ]
    user: Annotated[str, Field("User", order=1)] = ""
    password: Annotated[Secret, Field("Password", "Or an app password.", order=2)] = Secret("")
    token: Annotated[Secret, Field("Token", "Bearer token, instead of user and password.", order=3)] = Secret("")


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "WebDAV", "Files of a WebDAV folder, as of Nextcloud", WebdavConfig, icon="lucide:globe",
            proof="real server",
        )
    ]  # fmt: skip
