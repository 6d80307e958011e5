"""SFTP: files over SSH."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl


class SftpConfig(Config):
    """Which server and folder, and as whom."""

    host: Annotated[str, Field("Host", examples=["sftp.example.org"], order=0)]
    user: Annotated[str, Field("User", order=1)]
    password: Annotated[Secret, Field("Password", "Or the passphrase of the private key.", order=2)] = Secret("")
    private_key: Annotated[Secret, Field("Private key", "In OpenSSH's text form, instead of a password.", order=3)] = (
        Secret("")
    )
    host_key: Annotated[
        str,
        Field(
            "Key of the server",
            "Its fingerprint, e.g. `SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8`. A first test tells it.",
            order=4,
        ),
    ] = ""
    folder: Annotated[
        str,
        Field(
            "Folder", "`.` is the user's home.", pattern=r"^(/|\.)", expected="a path that begins with / or .", order=5
        ),
    ] = "."
    port: Annotated[int, Field("Port", ge=1, le=65535, order=6)] = 22


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "SFTP", "Files of an SSH server", SftpConfig, icon="lucide:server", proof="real server",
        )
    ]  # fmt: skip
