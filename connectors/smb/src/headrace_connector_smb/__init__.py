"""Windows shares by SMB 2 and 3."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl


class SmbConfig(Config):
    """Which share, and as whom."""

    host: Annotated[str, Field("Host", examples=["files.example.org"], order=0)]
    share: Annotated[
        str,
        Field(
            "Share",
            pattern=r"^[^/\\:*?\"<>|]{1,80}$",
            expected="the name of a share, without \\ and /",
            examples=["exports"],
            order=1,
        ),
    ]
    user: Annotated[str, Field("User", "With its domain, as in `SHOP\\ada`.", order=2)]
    password: Annotated[Secret, Field("Password", order=3)] = Secret("")
    folder: Annotated[str, Field("Folder", "In the share; empty is all of it.", order=4)] = ""
    encrypt: Annotated[bool, Field("Encrypt", "Of SMB 3.", order=5)] = True
    port: Annotated[int, Field("Port", ge=1, le=65535, order=6)] = 445


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "Windows share (SMB)", "Files of a Windows or Samba share", SmbConfig, icon="lucide:server",
            proof="real server",
        )
    ]  # fmt: skip
