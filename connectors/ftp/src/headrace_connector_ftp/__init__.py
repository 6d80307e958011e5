"""FTP and FTPS."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl


class FtpConfig(Config):
    """Which server and folder, and as whom."""

    host: Annotated[str, Field("Host", examples=["ftp.example.org"], order=0)]
    user: Annotated[str, Field("User", order=1)] = "anonymous"
    password: Annotated[Secret, Field("Password", order=2)] = Secret("")
    tls: Annotated[bool, Field("TLS", "Off sends the password as plain text.", order=3)] = True
    folder: Annotated[str, Field("Folder", order=4)] = "/"
    port: Annotated[int, Field("Port", ge=1, le=65535, order=5)] = 21


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "FTP", "Files of an FTP or FTPS server", FtpConfig, icon="lucide:server", proof="real server",
        )
    ]  # fmt: skip
